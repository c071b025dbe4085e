"""`python -m nao`: the commands of `nao`."""

from nao.cli import app

app()
