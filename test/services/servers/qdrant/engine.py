"""Qdrant's own engine, `qdrant-edge-py`, as a process that tests ask over its input and output.

Each line of the input is a request, {"call", "collection", "body"}, with the body of the REST API; each line of the output
is its answer, {"result"} or {"error"}, in the same order. The argument is a folder for the collections.
"""

import json
import os
import shutil
import sys
import uuid

import qdrant_edge as edge

folder = sys.argv[1]
shards = {}

# Points added to a collection since its indexes were built, which a server does by and by.
added = {}
enough = 1000

distances = {name: getattr(edge.Distance, name) for name in ("Cosine", "Euclid", "Dot", "Manhattan")}


def to_number(text):
    """Whole numbers as the server's JSON parser reads them: above 64 bits they are floats."""
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(number)


def to_vector(given):
    return edge.SparseVector(given["indices"], given["values"]) if isinstance(given, dict) else given


def to_vectors(given):
    return {name: to_vector(vector) for name, vector in given.items()} if isinstance(given, dict) else given


def from_vector(vector):
    if isinstance(vector, edge.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    return vector


def from_vectors(given):
    return {name: from_vector(vector) for name, vector in given.items()} if isinstance(given, dict) else given


def to_id(given):
    return given if isinstance(given, int) else uuid.UUID(given)


def from_id(given):
    return given if isinstance(given, int) else str(given)


class Flag:
    """A boolean that the binding does not take for a whole number, as it does with `bool`: it knows those of numpy by name."""

    def __init__(self, value):
        self.value = value

    def __bool__(self):
        return self.value


Flag.__module__, Flag.__name__, Flag.__qualname__ = "numpy", "bool_", "bool_"


def to_match(given):
    if "any" in given:
        return edge.MatchAny(given["any"])
    value = given["value"]
    return edge.MatchValue(Flag(value) if isinstance(value, bool) else value)


def to_condition(given):
    if "has_id" in given:
        return edge.HasIdCondition({to_id(one) for one in given["has_id"]})
    if "match" in given:
        return edge.FieldCondition(key=given["key"], match=to_match(given["match"]))
    if "range" in given:
        bounds = {name: float(bound) for name, bound in given["range"].items()}
        return edge.FieldCondition(key=given["key"], range=edge.RangeFloat(**bounds))
    return to_filter(given)


def to_filter(given):
    if given is None:
        return None
    parts = {name: [to_condition(one) for one in conditions] for name, conditions in given.items()}
    return edge.Filter(**parts)


def to_params(given):
    return None if given is None else edge.SearchParams(**given)


def to_nearest(given):
    return edge.Query.Nearest(to_vector(given["query"]), given["using"])


def to_fusion(given):
    if "rrf" in given:
        return edge.Fusion.Rrf(**given["rrf"])
    return edge.Fusion.Dbsf()


def to_prefetch(given):
    return edge.Prefetch(
        limit=given["limit"],
        query=to_nearest(given),
        params=to_params(given.get("params")),
        filter=to_filter(given.get("filter")),
    )


def payload_of(given):
    return edge.PayloadSelector.Include(given) if isinstance(given, list) else bool(given)


def to_record(record):
    shown = {"id": from_id(record.id), "payload": record.payload}
    if record.vector is not None:
        shown["vector"] = from_vectors(record.vector)
    return shown


def create(name, body):
    vectors = {
        key: edge.EdgeVectorParams(size=one["size"], distance=distances[one["distance"]])
        for key, one in (body.get("vectors") or {}).items()
    }
    sparse = {
        key: edge.EdgeSparseVectorParams(
            full_scan_threshold=one.get("index", {}).get("full_scan_threshold"),
            on_disk=one.get("index", {}).get("on_disk"),
            datatype=edge.VectorStorageDatatype.Float32,
        )
        for key, one in (body.get("sparse_vectors") or {}).items()
    }
    at = os.path.join(folder, name)
    os.makedirs(at)
    added[name] = 0
    shards[name] = edge.EdgeShard.create(at, edge.EdgeConfig(vectors=vectors, sparse_vectors=sparse, wal_enabled=False))


def drop(name, _body):
    shards.pop(name).close()
    shutil.rmtree(os.path.join(folder, name))


def index(name, body):
    schema = body["field_schema"]
    kind = schema if isinstance(schema, str) else schema["type"]
    if isinstance(schema, dict) and kind == "keyword":
        params = edge.KeywordIndexParams(is_tenant=schema.get("is_tenant"))
    else:
        params = getattr(edge.PayloadSchemaType, kind.capitalize())
    shards[name].update(edge.UpdateOperation.create_field_index(body["field_name"], params))


def upsert(name, body):
    points = [edge.Point(to_id(one["id"]), to_vectors(one["vector"]), one["payload"]) for one in body["points"]]
    shards[name].update(edge.UpdateOperation.upsert_points(points))
    added[name] += len(points)
    if added[name] >= enough:
        added[name] = 0
        while shards[name].optimize():
            pass


def delete(name, body):
    shards[name].update(edge.UpdateOperation.delete_points([to_id(one) for one in body["points"]]))


def retrieve(name, body):
    records = shards[name].retrieve(
        [to_id(one) for one in body["ids"]], payload_of(body.get("with_payload")), bool(body.get("with_vector"))
    )
    return [to_record(record) for record in records]


def count(name, body):
    return {"count": shards[name].count(edge.CountRequest(exact=True, filter=to_filter(body.get("filter"))))}


def scroll(name, body):
    offset = body.get("offset")
    records, following = shards[name].scroll(
        edge.ScrollRequest(
            offset=None if offset is None else to_id(offset),
            limit=body["limit"],
            filter=to_filter(body.get("filter")),
            with_payload=payload_of(body.get("with_payload")),
            with_vector=bool(body.get("with_vector")),
        )
    )
    return {
        "points": [to_record(record) for record in records],
        "next_page_offset": None if following is None else from_id(following),
    }


def query(name, body):
    prefetches = body.get("prefetch")
    found = shards[name].query(
        edge.QueryRequest(
            limit=body["limit"],
            query=to_nearest(body) if prefetches is None else to_fusion(body["query"]),
            prefetches=[to_prefetch(one) for one in prefetches or []],
            filter=to_filter(body.get("filter")),
            params=to_params(body.get("params")),
            with_payload=payload_of(body.get("with_payload")),
        )
    )
    return {"points": [{**to_record(one), "version": one.version, "score": one.score} for one in found]}


calls = {
    one.__name__: one for one in (create, drop, index, upsert, delete, retrieve, count, scroll, query)
}

for line in sys.stdin:
    request = json.loads(line, parse_int=to_number)
    try:
        answer = {"result": calls[request["call"]](request["collection"], request.get("body"))}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
