"""Reads by goatpie, as its documentation shows: read.py SERVER TOKEN FOLDER, with its
modules on the path. Prints what it has of each page, as JSON."""

# pylint: disable=import-error # it is installed apart

import sys

from goatpie import GoatPie

SERVER, TOKEN, FOLDER = sys.argv[1:]

pie = GoatPie(SERVER, TOKEN, FOLDER)
for _ in range(2):
    pie.update(0)  # as `goatpie --update` does
print(pie.get_pages(1_000).to_json(orient="records"))
