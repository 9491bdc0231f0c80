"""Reads Parquet files with pyarrow and looks at whether they are what their metadata says: one JSON document a line in, one a line out."""

import json
import sys

import pyarrow as arrow
import pyarrow.compute as compute
import pyarrow.dataset as dataset
import pyarrow.parquet as parquet


def open_file(asked):
    return parquet.ParquetFile(asked["path"], page_checksum_verification=True)


def plain(value, kind):
    """As the tests have it: 64-bit integers and times as text, maps as lists of pairs."""
    if value is None:
        return None
    if arrow.types.is_struct(kind):
        return {field.name: plain(value[field.name], field.type) for field in kind}
    if arrow.types.is_map(kind):
        return [[plain(key, kind.key_type), plain(item, kind.item_type)] for key, item in value]
    if arrow.types.is_list(kind):
        return [plain(item, kind.value_type) for item in value]
    if arrow.types.is_int64(kind):
        return str(value)
    if arrow.types.is_floating(kind):
        if value != value:
            return "NaN"
        return "-0" if str(value) == "-0.0" else value
    return value


def stored(kind):
    """Dates and times as the integers that they are stored as."""
    if arrow.types.is_date(kind):
        return arrow.int32()
    if arrow.types.is_timestamp(kind):
        return arrow.int64()
    if arrow.types.is_struct(kind):
        return arrow.struct([field.with_type(stored(field.type)) for field in kind])
    if arrow.types.is_map(kind):
        return arrow.map_(kind.key_field, kind.item_field.with_type(stored(kind.item_type)))
    if arrow.types.is_list(kind):
        return arrow.list_(kind.value_field.with_type(stored(kind.value_type)))
    return kind


def read(asked):
    """All rows, whole and checked."""
    table = open_file(asked).read()
    table.validate(full=True)
    table = table.cast(arrow.schema([field.with_type(stored(field.type)) for field in table.schema]))
    columns = [[plain(value, column.type) for value in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*columns)]


def describe(asked):
    file = open_file(asked)
    return {
        "rows": file.metadata.num_rows,
        "types": {field.name: str(field.type) for field in file.schema_arrow},
        "ids": {field.name: int(field.metadata[b"PARQUET:field_id"]) for field in file.schema_arrow if field.metadata},
        "rowGroups": [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)],
        "createdBy": file.metadata.created_by,
        "sorting": [
            [one.column_index, one.descending, one.nulls_first] for one in file.metadata.row_group(0).sorting_columns
        ],
    }


def check(asked):
    """What the metadata says that is not so."""
    file, problems, end = open_file(asked), [], 4
    for index in range(file.metadata.num_row_groups):
        group, table = file.metadata.row_group(index), file.read_row_group(index)
        for leaf in range(group.num_columns):
            column = group.column(leaf)
            name = f"row group {index}, {column.path_in_schema}"
            start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
            if start < end:
                problems.append(f"{name} begins at {start}, within what is before it")
            end = start + column.total_compressed_size
            if not (column.has_offset_index and column.is_stats_set):
                problems.append(f"{name} has no offset index or no statistics")
            values = top_level(table, column.path_in_schema)
            if values is not None:
                problems.extend(f"{name}: {problem}" for problem in differences(column, values))
    return problems


def top_level(table, path):
    """The values of a column that is no part of a list or map."""
    first, *rest = path.split(".")
    values = table[first]
    for name in rest:
        if not arrow.types.is_struct(values.type):
            return None
        values = compute.struct_field(values, name)
    return None if arrow.types.is_nested(values.type) else values


def differences(column, values):
    statistics = column.statistics
    if column.num_values != len(values):
        yield f"{column.num_values} values, found {len(values)}"
    if statistics.null_count != values.null_count:
        yield f"{statistics.null_count} nulls, found {values.null_count}"
    if not statistics.has_min_max:
        if values.null_count < len(values):
            yield "no bounds"
        return
    bounds = compute.min_max(values)
    if arrow.types.is_temporal(values.type):
        bounds = compute.min_max(values.cast(stored(values.type)))
    least, greatest = bounds["min"].as_py(), bounds["max"].as_py()
    told_least, told_greatest = statistics.min_raw, statistics.max_raw
    if isinstance(least, str):
        told_least, told_greatest = told_least.decode(), told_greatest.decode()
    if told_least > least or (len(str(least)) < 16 and told_least != least):
        yield f"least {told_least}, found {least}"
    if told_greatest < greatest or (len(str(greatest)) < 16 and told_greatest != greatest):
        yield f"greatest {told_greatest}, found {greatest}"


def filtered(asked):
    """How many rows a filter gives when the file helps, and when it does not; and how many row groups it left to read."""
    column, operator, value = asked["filter"]
    table = parquet.read_table(asked["path"])
    path = column.split(".")
    values = table[path[0]]
    for name in path[1:]:
        values = compute.struct_field(values, name)
    value = arrow.scalar(values.drop_null()[value].as_py(), values.type)
    comparison = {"==": compute.equal, "<": compute.less, ">=": compute.greater_equal}[operator]
    expected = compute.sum(comparison(values, value)).as_py() or 0
    field = compute.field(*path) if len(path) == 1 else compute.field(tuple(path))
    expression = {"==": field == value, "<": field < value, ">=": field >= value}[operator]
    source = dataset.dataset(asked["path"], format="parquet")
    fragment = next(source.get_fragments())
    return {
        "expected": expected,
        "found": source.count_rows(filter=expression),
        "rows": source.to_table(filter=expression).num_rows,
        "rowGroups": sum(len(one.row_groups) for one in fragment.split_by_row_group(expression)),
    }


commands = {"read": read, "describe": describe, "check": check, "filtered": filtered}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = {"result": commands[asked["command"]](asked)}
    except Exception as error:  # told to the test, which fails with it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
