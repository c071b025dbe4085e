"""Snakemake's memory of what was made, set right by the records, which come with the results.

So a copy of results without `.snakemake`, or with other dates, is known for what it is: its params,
its inputs and their content count as they do where it was made.
"""

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from nao.jobs import planned
from nao.provenance.memory import recollection


def metadata_of(name, making):
    """What Snakemake would have noted of a making: params and inputs as it serialises them."""
    paths = [in_results(path) for path in making.inputs]
    return MetadataRecord(
        **{"rule": name},  # which is a keyword here
        params=[repr(making.given)],
        input=sorted([*paths, *records(paths)]),
        input_checksums={
            in_results(path): f"sha256:{digest}" for path, digest in making.inputs.items()
        },
        starttime=making.start,
        endtime=making.end,
        incomplete=False,
        record_format_version=RECORD_FORMAT_VERSION,
    )


def remember():
    """Note anew what is not noted as the records say."""
    notes, making = FilePersistence(nolock=True, path=Path(".snakemake")), recollection(
        Path(RESULTS)
    )
    for job in planned(PLAN):
        for path in job.outputs.values():
            if not Path(RESULTS, path).exists():
                continue
            right, file = metadata_of(job.rule, making(path)), in_results(path)
            for key in (file, *records([file])):
                noted = notes._read_record(key)
                if noted is None or (noted.params, noted.input) != (right.params, right.input):
                    notes._write_record(key, right)


if workflow.is_main_process and Path(RESULTS).is_dir() and os.access(".", os.W_OK):
    remember()
