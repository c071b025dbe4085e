"""The crate is valid for an independent validator, whole, and tells the chain in PROV terms."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import requests
import requests.adapters
import rocrate
from rdflib import Graph, Namespace
from rocrate.rocrate import ROCrate
from rocrate_validator import models, services
from rocrate_validator.utils.uri import URI
from runcrate.report import dump_crate_actions
from workbench import Workbench

from nao.provenance.crate import CrateError, export_crate
from nao.provenance.hashing import sha256_of
from nao.provenance.schema import read_record, record_path

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROV = Namespace("http://www.w3.org/ns/prov#")


def context() -> dict:
    """RO-Crate's vocabulary as installed (of a later version, which renamed two of our terms)."""
    path = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
    document = json.loads(path.read_text())
    for term in ("ComputationalWorkflow", "FormalParameter"):
        document["@context"][term] = f"https://bioschemas.org/{term}"
    return document


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network: the vocabulary alone is served."""

    def send(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        if request.url != CONTEXT:
            raise requests.ConnectionError(f"{request.url} was asked for")
        response = requests.Response()
        response.status_code, response.url, response.request = 200, CONTEXT, request
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = io.BytesIO(json.dumps(context()).encode())
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


@pytest.fixture
def crate(bench: Workbench, tmp_path: Path) -> Path:
    (bench.clone / "Snakefile").write_text("# the rules of the bench are its tasks\n")
    export_crate(bench.audit(today=False), bench.clone, tmp_path / "crate")
    return tmp_path / "crate"


def issues(crate: Path) -> list[str]:
    settings = services.ValidationSettings(
        rocrate_uri=URI(crate),
        profile_identifier="provenance-run-crate",
        requirement_severity=models.Severity.REQUIRED,
        no_cache=True,
    )
    return [f"{i.check.identifier}: {i.message}" for i in services.validate(settings).get_issues()]


@pytest.mark.usefixtures("_offline")
def test_the_crate_is_valid_and_a_broken_one_is_not(crate: Path):
    assert issues(crate) == []
    metadata = crate / "ro-crate-metadata.json"
    content = json.loads(metadata.read_text())
    for entity in content["@graph"]:
        if entity["@type"] == "ControlAction":
            entity.pop("instrument")
    metadata.write_text(json.dumps(content))
    assert any("ControlAction" in issue for issue in issues(crate))


def test_files_are_whole_and_keep_their_places(crate: Path, bench: Workbench):
    files = {e.id: e for e in ROCrate(crate).data_entities if e.get("sha256")}
    assert set(files) == {f"results/laptop/{name}" for name in bench.artefacts}
    for place, entity in files.items():
        assert entity["sha256"] == sha256_of(crate / place) == sha256_of(bench.clone / place)
        tree, name = Path(place).parts[:2], Path(*Path(place).parts[2:])
        assert record_path(crate.joinpath(*tree), name).is_file()
    assert (crate / "nao/drawing.py").is_file()
    assert (crate / "envs/requirements.txt").is_file()


def test_the_chain_is_told_in_prov(crate: Path, bench: Workbench):
    content = json.loads((crate / "ro-crate-metadata.json").read_text())
    content["@context"] = [context()["@context"], content["@context"][1]]
    graph = Graph().parse(data=json.dumps(content), format="json-ld", publicID="http://crate/")
    table = next(s for s in graph.subjects() if str(s).endswith("experiments/noise.parquet"))
    derived = {
        str(o).partition("results/laptop/")[2] for o in graph.objects(table, PROV.wasDerivedFrom)
    }
    words = ("scores", "scores2", "ridge", "ridge2")
    assert derived == {bench.path(w).relative_to(bench.tree).as_posix() for w in words}
    (job,) = graph.objects(table, PROV.wasGeneratedBy)
    assert len(set(graph.objects(job, PROV.used))) == 4


def test_a_zip_has_the_same_metadata(crate: Path, bench: Workbench, tmp_path: Path):
    export_crate(bench.audit(today=False), bench.clone, tmp_path / "crate.zip")
    with zipfile.ZipFile(tmp_path / "crate.zip") as archive:
        inside = json.loads(archive.read("ro-crate-metadata.json"))
    assert inside == json.loads((crate / "ro-crate-metadata.json").read_text())


@pytest.mark.usefixtures("_offline")
def test_what_is_left_out_is_named_with_its_record(bench: Workbench, tmp_path: Path):
    (bench.clone / "Snakefile").touch()
    out = tmp_path / "crate"
    export_crate(bench.audit(today=False), bench.clone, out, {"datasets"})
    assert issues(out) == []
    place = bench.path("train").relative_to(bench.clone)
    assert not (out / place).exists()
    assert record_path(out / "results/laptop", place.relative_to("results/laptop")).is_file()
    left_out = ROCrate(out).get(f"#left-out/{place}")
    assert left_out is not None
    assert left_out["sha256"] == sha256_of(bench.clone / place)
    assert (out / bench.path("model").relative_to(bench.clone)).is_file()


def test_another_reader_tells_every_job_with_what_it_read_and_made(
    crate: Path, bench: Workbench, capsys: pytest.CaptureFixture[str]
):
    dump_crate_actions(crate)
    told = {text.partition("\n")[0]: text for text in capsys.readouterr().out.split("action: ")[1:]}
    assert len(told) == len(bench.tasks()) + 1  # and the run as a whole
    record = read_record(bench.record("table"))
    table = told[f"#job/{record.id}"]
    assert "step: #step/tabulate_experiment" in table
    assert "instrument: workflow/scripts/tabulate_experiment.py" in table
    assert f"started: {record.execution.start}" in table
    read, made = table.split("outputs:\n")
    assert made.split() == ["results/laptop/experiments/noise.parquet"]
    for entry in record.inputs:
        assert f"    results/laptop/{entry.path}\n" in read


def test_what_is_not_in_order_is_not_exported(bench: Workbench, tmp_path: Path):
    bench.flip("png")
    with pytest.raises(CrateError, match=r"figures/fig3\.png is tampered"):
        export_crate(bench.audit(today=False), bench.clone, tmp_path / "crate")
    assert not (tmp_path / "crate").exists()
    bench.flip("png")
    with pytest.raises(CrateError, match="has no Snakefile"):
        export_crate(bench.audit(today=False), bench.clone, tmp_path / "crate")
    with pytest.raises(FileExistsError, match="exists; name another place"):
        export_crate(bench.audit(today=False), bench.clone, tmp_path)
