"""A results tree as one Provenance Run RO-Crate, the most detailed of the Workflow Run profiles.

- The workflow is the ``Snakefile``, its tools are the scripts, its steps the rules; each job is a
  ``CreateAction`` from its inputs to its outputs, with params and seeds as property values.
- Each file bears its SHA-256, and its record lies beside it as in the tree.
- W3C PROV: files are ``prov:Entity``, jobs ``prov:Activity``, with ``prov:used``,
  ``prov:wasGeneratedBy`` and ``prov:wasDerivedFrom``.

Nothing of a record is run or fetched; the same tree and clone give the same crate.
"""

import json
import mimetypes
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from nao.provenance.audit import Audit, Finding, Verdict
from nao.provenance.schema import Record, digest, record_path

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
WFRUN = "https://w3id.org/ro/terms/workflow-run#"
# Terms beyond RO-Crate's own, spelt out, so that no second context has to be fetched.
TERMS = {
    "resourceUsage": f"{WFRUN}resourceUsage",
    "sha256": f"{WFRUN}sha256",
    "prov": "http://www.w3.org/ns/prov#",
    **{
        f"prov:{term}": {"@id": f"http://www.w3.org/ns/prov#{term}", "@type": "@id"}
        for term in ("used", "wasGeneratedBy", "wasDerivedFrom")
    },
}
LICENSE = "https://spdx.org/licenses/MIT"
MEDIA = {".parquet": "application/vnd.apache.parquet", ".yaml": "application/yaml"}


LEFT_OUT = "Left out of this crate; its record says how it is made again."


class CrateError(ValueError):
    """A tree or clone that no honest crate can be made of; the message says why."""


def export_crate(
    result: Audit, clone: Path, out: Path, without: Collection[str] = frozenset()
) -> None:
    """Write all artefacts of an audit, their records and their code to ``out`` (folder or .zip).

    Of artefacts in the folders ``without`` of a tree (``datasets``) only the records are written:
    they are named, with their hashes, and not there.

    Raises :class:`CrateError` where an artefact is tampered with, missing or unrecorded, or where
    ``clone`` no longer has a script that a job ran; ``FileExistsError`` if ``out`` exists.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists; name another place, or remove it")
    for finding in result.findings.values():
        if finding.verdict in (Verdict.EARLIER, Verdict.PUBLISHED):
            raise CrateError(f"{finding.base} is published: what it rests on is not shipped")
        if finding.verdict not in (Verdict.VERIFIED, Verdict.STALE):
            raise CrateError(f"{finding.name} is {finding.verdict}; mend it, as nao audit explains")
    crate = _Builder(result, clone, without).build()
    crate.write_zip(out) if out.suffix == ".zip" else crate.write(out)


class _Builder:
    """Adds entities in order: code, files, jobs, and the run that holds them."""

    def __init__(self, result: Audit, clone: Path, without: Collection[str]):
        self.without = without
        self.findings = list(result.findings.values())
        self.clone = clone
        self.crate: Any = ROCrate(version="1.1")
        self.files: dict[tuple[Path, str], Entity] = {}

    def build(self) -> ROCrate:
        jobs = self._jobs()
        records = [finding.record for finding in self.findings if finding.record]
        ended = max(record.execution.end for record in records)
        root = self.crate.root_dataset
        root["name"] = "Results of the nonlocal attention operator, with their provenance"
        root["description"] = (
            "Data sets, trained transformers, baselines, tables, figures and claims on in-context "
            "learning, each with the record of the job that made it."
        )
        root["license"] = self._context(LICENSE, {"@type": "CreativeWork", "name": "MIT License"})
        root["datePublished"] = ended
        self._describe_profiles()
        workflow = self._workflow(records)
        for finding in self.findings:
            self._artefact(finding)
        actions = [self._job(number, group) for number, group in enumerate(jobs)]
        self._run(workflow, actions, records)
        return self.crate

    def _jobs(self) -> list[list[Finding]]:
        """Findings by job, earliest first."""
        groups: dict[tuple[Any, ...], list[Finding]] = {}
        for finding in self.findings:
            if finding.record:
                outputs = sorted(output.path for output in finding.record.outputs)
                groups.setdefault((finding.base, *outputs), []).append(finding)
        return sorted(
            groups.values(), key=lambda group: (_record(group).execution.start, group[0].name)
        )

    def _describe_profiles(self) -> None:
        self.crate.metadata.extra_terms.update(TERMS)
        self.crate.root_dataset["conformsTo"] = [
            self._context(
                url, {"@type": "CreativeWork", "name": name, "version": url.rpartition("/")[2]}
            )
            for url, name in PROFILES.items()
        ]

    # --- code ---

    def _workflow(self, records: list[Record]) -> Entity:
        if not (self.clone / "Snakefile").is_file():
            raise CrateError(f"{self.clone} has no Snakefile; name the clone with --clone")
        snakemake = records[0].environment.packages.get("snakemake", "9")
        workflow = self.crate.add_workflow(
            self.clone / "Snakefile",
            "Snakefile",
            main=True,
            lang="snakemake",
            lang_version=snakemake,
            properties={
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "name": "From config.yaml to figures and claims",
                "encodingFormat": "text/plain",
            },
        )
        scripts = {record.rule: record.code.script for record in records}
        for path in self._code_paths(records):
            self._code_file(path)
        tools = []
        for position, (rule, script) in enumerate(sorted(scripts.items()), start=1):
            tool = self.crate.get(script)
            if tool is None:
                raise CrateError(f"{script}, which made results by {rule}, is not in {self.clone}")
            tools.append(tool)
            step = {"@type": "HowToStep", "name": rule, "position": str(position)}
            step["workExample"] = tool
            workflow.append_to("step", self._context(f"#step/{rule}", step))
        workflow["hasPart"] = tools
        return workflow

    def _code_paths(self, records: list[Record]) -> Iterable[str]:
        named = {path for record in records for path in record.code.files}
        named |= {record.environment.lock.path for record in records if record.environment.lock}
        rules = (self.clone / "workflow" / "rules").glob("*.smk")
        named |= {path.relative_to(self.clone).as_posix() for path in rules}
        return sorted(named | {"config.yaml"})

    def _code_file(self, path: str) -> None:
        source = self.clone / path
        if source.is_file() and source.resolve().is_relative_to(self.clone.resolve()):
            kind = ["File", "SoftwareSourceCode"] if path.endswith(".py") else "File"
            self.crate.add_file(source, path, properties={"@type": kind, **_format(path)})

    # --- results ---

    def _place(self, base: Path, name: str) -> str:
        return f"results/{base.name}/{name}"

    def _artefact(self, finding: Finding) -> None:
        place = self._place(finding.base, finding.name)
        recorded = record_path(self._place(finding.base, "."), finding.name).as_posix()
        properties = {
            "@type": ["File", "prov:Entity"],
            "sha256": finding.facts.sha256,
            "contentSize": str(finding.facts.size),
            **_format(finding.name),
        }
        if finding.record:
            properties["identifier"] = finding.record.id
        if finding.folder in self.without:
            properties |= {"@type": ["CreativeWork", "prov:Entity"], "description": LEFT_OUT}
            file = self._context(f"#left-out/{place}", properties)
        else:
            file = self.crate.add_file(finding.path, place, properties=properties)
        record = self.crate.add_file(
            record_path(finding.base, finding.name),
            recorded,
            properties={"about": file, **_format(recorded)},
        )
        file["subjectOf"] = record
        self.files[finding.base, finding.name] = file

    def _job(self, number: int, group: list[Finding]) -> Entity:
        record, base = _record(group), group[0].base
        used = [self.files[base, e.path] for e in record.inputs if (base, e.path) in self.files]
        used += [
            file
            for e in record.inputs
            if e.place == "repository" and (file := self.crate.get(e.path)) is not None
        ]
        made = [self.files[base, finding.name] for finding in group]
        settings = [
            self._value(f"{part}.{key}", value)
            for part in ("params", "wildcards", "seeds")
            for key, value in sorted(getattr(record, part).items())
        ]
        usage = record.execution
        action = self._context(
            f"#job/{record.id}",
            {
                "@type": ["CreateAction", "prov:Activity"],
                "name": " ".join([record.rule, *record.wildcards.values()]),
                "instrument": self.crate.get(record.code.script),
                "startTime": usage.start,
                "endTime": usage.end,
                "actionStatus": "http://schema.org/CompletedActionStatus",
                "object": [*used, *settings],
                "result": made,
                "resourceUsage": [
                    self._value("wallSeconds", usage.wall_seconds, "SEC"),
                    self._value("cpuSeconds", usage.cpu_seconds, "SEC"),
                    self._value("peakMemory", usage.peak_memory, "BYTE"),
                ],
                "prov:used": used,
            },
        )
        for file in made:
            file["prov:wasGeneratedBy"] = action
            if used:
                file["prov:wasDerivedFrom"] = used
        control = {"@type": "ControlAction", "name": f"job {number}", "object": action}
        control["instrument"] = self.crate.get(f"#step/{record.rule}")
        self._context(f"#control/{record.id}", control)
        return action

    def _value(self, name: str, value: Any, unit: str | None = None) -> Entity:
        """A named value; units are those of QUDT."""
        text = value if isinstance(value, str | int | float) else json.dumps(value, sort_keys=True)
        properties = {
            "@type": "PropertyValue",
            "name": name,
            "value": text,
            "propertyID": f"nao:{name}",
        }
        return self._context(f"#value/{digest([name, text])[:16]}", properties)

    def _run(self, workflow: Entity, actions: list[Entity], records: list[Record]) -> None:
        used = {file.id for action in actions for file in action.get("object", [])}
        made = [file for file in self.files.values() if file.id not in used]
        run = self._context(
            "#run",
            {
                "@type": ["CreateAction", "prov:Activity"],
                "name": "The run of the workflow",
                "instrument": workflow,
                "object": [self.crate.get("config.yaml")],
                "result": made,
                "startTime": min(record.execution.start for record in records),
                "endTime": max(record.execution.end for record in records),
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
        engine = {
            "@type": "SoftwareApplication",
            "name": "Snakemake",
            "url": "https://snakemake.github.io",
        }
        engine["softwareVersion"] = records[0].environment.packages.get("snakemake", "unknown")
        controls = [self.crate.get(action.id.replace("#job/", "#control/")) for action in actions]
        self._context(
            "#organisation",
            {
                "@type": "OrganizeAction",
                "name": "Snakemake's run",
                "instrument": self._context("#snakemake-engine", engine),
                "object": controls,
                "result": run,
                "startTime": run["startTime"],
                "endTime": run["endTime"],
            },
        )
        self.crate.root_dataset["mentions"] = [run, *actions]

    def _context(self, identifier: str, properties: dict[str, Any]) -> Entity:
        if (known := self.crate.get(identifier)) is not None:
            return known
        links = {key: value for key, value in properties.items() if _is_link(value)}
        plain = {key: value for key, value in properties.items() if key not in links}
        entity = self.crate.add(ContextEntity(self.crate, identifier, properties=plain))
        for key, value in links.items():
            if value:
                entity[key] = value
        return entity


def _is_link(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return not items or any(isinstance(item, Entity) for item in items)


def _record(group: list[Finding]) -> Record:
    record = group[0].record
    assert record is not None
    return record


def _format(path: str) -> dict[str, str]:
    known = MEDIA.get(Path(path).suffix) or mimetypes.guess_type(path)[0]
    return {"name": path, "encodingFormat": known or "application/octet-stream"}
