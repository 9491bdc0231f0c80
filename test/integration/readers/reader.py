"""Answers questions about Iceberg tables with pyiceberg: one JSON document a line in, one a line out."""

import json
import sys
from datetime import date, datetime

import pyarrow.parquet as parquet
from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import write_manifest, write_manifest_list
from pyiceberg.table import StaticTable


def plain(value):
    """What JSON has; integers that a double does not hold as text."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    return value


def scan_of(table, asked):
    options = {}
    if asked.get("filter"):
        options["row_filter"] = asked["filter"]
    if asked.get("snapshot"):
        options["snapshot_id"] = int(asked["snapshot"])
    if asked.get("fields"):
        options["selected_fields"] = tuple(asked["fields"])
    return table.scan(**options)


def read(table, asked):
    """Rows, and the files that were opened for them."""
    scan = scan_of(table, asked)
    files = [task.file.file_path for task in scan.plan_files()]
    return {"rows": plain(scan.to_arrow().to_pylist(maps_as_pydicts="strict")), "files": files}


def describe(table, _asked):
    metadata = table.metadata
    return {
        "schema": [
            {"id": field.field_id, "name": name, "type": str(field.field_type).split("<")[0], "required": field.required}
            for name, field in (
                (table.schema().find_column_name(field_id), table.schema().find_field(field_id))
                for field_id in sorted(table.schema().field_ids)
            )
        ],
        "spec": str(table.spec()),
        "order": [str(field) for field in table.sort_order().fields],
        "snapshots": [
            {"id": str(one.snapshot_id), "operation": one.summary.operation.value, "summary": one.summary.additional_properties}
            for one in metadata.snapshots
        ],
        "history": [str(entry.snapshot_id) for entry in metadata.snapshot_log],
        "refs": {name: str(ref.snapshot_id) for name, ref in metadata.refs.items()},
    }


def value_at(row, path):
    for name in path:
        if row is None:
            return None
        row = row[name]
    return row


def check_files(table, _asked):
    """Compares what the manifests say about each file with what is in it: partition, counts, bounds, offsets."""
    schema, problems, count = table.schema(), [], 0
    for task in table.scan().plan_files():
        count += 1
        file = task.file
        spec = table.specs()[file.spec_id]
        source = table.io.new_input(file.file_path).open()
        content = parquet.ParquetFile(source)
        rows = content.read().to_pylist(maps_as_pydicts="strict")

        def differs(what, told, found):
            problems.append(f"{file.file_path}: {what} is told as {told!r}, found {found!r}")

        if len(rows) != file.record_count:
            differs("record_count", file.record_count, len(rows))
        source.seek(0, 2)
        if source.tell() != file.file_size_in_bytes:
            differs("file_size", file.file_size_in_bytes, source.tell())
        groups = content.metadata.num_row_groups
        if file.split_offsets is not None and len(file.split_offsets) != groups:
            differs("split_offsets", file.split_offsets, groups)

        for index, field in enumerate(spec.fields):
            name = schema.find_column_name(field.source_id)
            kind = schema.find_type(field.source_id)
            transform = field.transform.transform(kind)
            found = {plain_partition(transform(internal(value_at(row, name.split(".")), kind))) for row in rows}
            told = plain_partition(file.partition[index])
            if found != {told}:
                differs(f"partition {field.name}", told, found)

        for field_id in schema.field_ids:
            name, kind = schema.find_column_name(field_id), schema.find_type(field_id)
            if not kind.is_primitive or ".element" in name or ".key" in name or ".value" in name:
                continue
            values = [internal(value_at(row, name.split(".")), kind) for row in rows if name.split(".")[0] in row]
            present = [value for value in values if value is not None and value == value]
            lower = (file.lower_bounds or {}).get(field_id)
            upper = (file.upper_bounds or {}).get(field_id)
            nulls = (file.null_value_counts or {}).get(field_id)
            if nulls is not None and nulls != sum(value is None for value in values):
                differs(f"null count of {name}", nulls, values)
            if lower is not None and present and from_bytes(kind, lower) > min(present):
                differs(f"lower bound of {name}", from_bytes(kind, lower), min(present))
            if upper is not None and present and from_bytes(kind, upper) < max(present):
                differs(f"upper bound of {name}", from_bytes(kind, upper), max(present))
    return {"files": count, "problems": problems}


def rewrite_manifests(table, asked):
    """Writes the current snapshot's manifests and their list once more, as this library does; answers the list."""
    snapshot, io, version, codec = table.current_snapshot(), table.io, asked["version"], asked["codec"]
    written = []
    for index, manifest in enumerate(snapshot.manifests(io)):
        spec, output = table.specs()[manifest.partition_spec_id], io.new_output(f"{asked['folder']}/theirs-{index}.avro")
        with write_manifest(version, spec, table.schema(), output, snapshot.snapshot_id, codec) as writer:
            for entry in manifest.fetch_manifest_entry(io):
                writer.existing(entry)
        written.append(writer.to_manifest_file())
    path = f"{asked['folder']}/theirs.avro"
    parent, number = snapshot.parent_snapshot_id, snapshot.sequence_number
    with write_manifest_list(version, io.new_output(path), snapshot.snapshot_id, parent, number, codec) as writer:
        writer.add_manifests(written)
    return path


def plain_partition(value):
    return "NaN" if isinstance(value, float) and value != value else value


def internal(value, kind):
    """As Iceberg has it: days and microseconds since 1970."""
    if isinstance(value, datetime):
        epoch = datetime(1970, 1, 1, tzinfo=value.tzinfo)
        since = value - epoch
        return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    return value


commands = {
    "read": read,
    "describe": describe,
    "check_files": check_files,
    "rewrite_manifests": rewrite_manifests,
}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        table = StaticTable.from_metadata(asked["metadata"], asked.get("properties") or {})
        answer = {"result": commands[asked["command"]](table, asked)}
    except Exception as error:  # told to the test, which fails with it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
