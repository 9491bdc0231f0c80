"""Another user of a REST catalog: pyiceberg. Takes what to do as one JSON document, prints what came of it as another."""

import json
import sys

import pyarrow
from pyiceberg.catalog.rest import RestCatalog


def rows(table):
    return sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["id"])


def append(table, asked):
    schema = table.schema().as_arrow()
    table.append(pyarrow.Table.from_pylist(asked["rows"], schema=schema))


asked = json.loads(sys.stdin.read())
catalog = RestCatalog("test", **asked["properties"])
table = catalog.load_table((*asked["namespace"], asked["table"]))
if asked["command"] == "append":
    append(table, asked)
print(json.dumps({"rows": rows(table), "snapshots": len(table.snapshots()), "properties": table.properties}))
