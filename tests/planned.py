"""The jobs that files come of, as the plan alone tells them."""

from nao.jobs import Job, planned
from nao.plan import Plan


def jobs_behind(plan: Plan, *paths: str) -> list[Job]:
    """All jobs that these files of a results tree rest on, each after those that it reads from."""
    made = {path: job for job in planned(plan) for path in job.outputs.values()}
    jobs: dict[str, Job] = {}

    def ask(path: str) -> None:
        if path not in jobs:
            for each in made[path].reads:
                ask(each)
            jobs.update(dict.fromkeys(made[path].outputs.values(), made[path]))

    for path in paths:
        ask(path)
    return list({id(job): job for job in jobs.values()}.values())
