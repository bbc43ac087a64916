"""DynamoDB: items, expressions, queries, transactions."""

import re

from checks.dynamodb import BAD, dynamodb, key, shared, table
from judge import Group

check = Group("dynamodb")

CONDITION = ("ConditionalCheckFailedException", 400)


def filled(c, *sort_keys) -> tuple:
    """The shared table and a partition of it with these items, numbered from 0."""
    name, pk = shared(c), c.name("pk")
    for number, sk in enumerate(sort_keys):
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "n": {"N": str(number)}}
        dynamodb(c).put_item(TableName=name, Item=item)
    return name, pk


def query(c, name: str, pk: str, condition="pk = :pk", values=None, **more) -> dict:
    return dynamodb(c).query(
        TableName=name,
        KeyConditionExpression=condition,
        ExpressionAttributeValues={":pk": {"S": pk}, **(values or {})},
        ConsistentRead=True,
        **more,
    )


def sort_keys(answer: dict) -> list:
    return [item["sk"]["S"] for item in answer["Items"]]


@check("API PutItem, GetItem, DeleteItem")
def item_comes_and_goes(c):
    """An item of every type is put, got as it was, replaced as a whole, and deleted; a missing one is no error."""
    client, name, where = dynamodb(c), shared(c), key(c)
    item = {
        **where,
        "s": {"S": "grüße"},
        "n": {"N": "3.25"},
        "b": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"S": "x"}]},
        "map": {"M": {"deep": {"M": {}}}},
        "words": {"SS": ["only"]},
        "empty": {"S": ""},
    }
    client.put_item(TableName=name, Item=item)
    c.equal("item", client.get_item(TableName=name, Key=where, ConsistentRead=True)["Item"], item)
    answer = client.put_item(TableName=name, Item={**where, "new": {"N": "1"}}, ReturnValues="ALL_OLD")
    c.equal("old", answer["Attributes"], item)
    answer = client.delete_item(TableName=name, Key=where, ReturnValues="ALL_OLD")
    c.equal("deleted", answer["Attributes"], {**where, "new": {"N": "1"}})
    answer = client.get_item(TableName=name, Key=where, ConsistentRead=True)
    c.true("no Item", "Item" not in answer, answer)
    client.delete_item(TableName=name, Key=where)


KEYS = {
    "half of the key": {"pk": {"S": "x"}},
    "too much": {"pk": {"S": "x"}, "sk": {"S": "x"}, "more": {"S": "x"}},
    "the wrong type": {"pk": {"S": "x"}, "sk": {"N": "1"}},
}


@check.each(KEYS, "seen: 'The provided key element does not match the schema'")
def get_with(c, where):
    """GetItem with {case}: ValidationException 400."""
    says = "does not match the schema"
    c.refused(*BAD, dynamodb(c).get_item, says=says, TableName=shared(c), Key=where)


ITEMS = {
    "without its sort key": {"pk": {"S": "x"}},
    "with an empty key": {"pk": {"S": ""}, "sk": {"S": "x"}},
    "with an empty set": {"pk": {"S": "x"}, "sk": {"S": "x"}, "set": {"SS": []}},
    "with a set that repeats": {"pk": {"S": "x"}, "sk": {"S": "x"}, "set": {"SS": ["a", "a"]}},
    "with a number that is none": {"pk": {"S": "x"}, "sk": {"S": "x"}, "n": {"N": "many"}},
    "over 400 KB": {"pk": {"S": "x"}, "sk": {"S": "x"}, "s": {"S": "x" * (400 * 1024)}},
}


@check.each(ITEMS, "guide, Supported data types and naming rules; guide, quotas: 400 KB")
def put_refuses_an_item(c, item):
    """PutItem refuses an item {case}: ValidationException 400."""
    c.refused(*BAD, dynamodb(c).put_item, TableName=shared(c), Item=item)


@check("API PutItem, ConditionExpression; recorded: test_return_values_on_conditions_check_failure")
def put_on_condition(c):
    """A condition that does not hold: ConditionalCheckFailedException 400, with the item when asked for."""
    client, name, where = dynamodb(c), shared(c), key(c)
    item = {**where, "n": {"N": "1"}}
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    client.put_item(TableName=name, Item=item, **condition)
    says = "^The conditional request failed$"
    answer = c.refused(
        *CONDITION,
        client.put_item,
        says=says,
        TableName=name,
        Item=item,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **condition,
    )
    c.equal("Item", answer.get("Item"), item)
    arguments = {"ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "2"}}}
    c.refused(*CONDITION, client.delete_item, says=says, TableName=name, Key=where, **arguments)


CONDITIONS = {
    "attribute_exists(n)": True,
    "attribute_not_exists(n)": False,
    "n BETWEEN :one AND :nine": True,
    "n IN (:one, :nine)": False,
    "n >= :five AND NOT n > :five": True,
    "begins_with(s, :he)": True,
    "contains(s, :he)": True,
    "contains(tags, :he)": False,
    "size(s) = :five": True,
    "attribute_type(n, :n)": True,
    "s <> :he OR n = :nine": True,
    "deep.part[1] = :nine": True,
}


@check.each({text: (text, holds) for text, holds in CONDITIONS.items()}, "guide, Condition expressions")
def condition(c, case):
    """The condition {case} is understood."""
    text, holds = case
    name, where = shared(c), key(c)
    more = {
        "n": {"N": "5"},
        "s": {"S": "hello"},
        "tags": {"SS": ["a", "hello"]},
        "deep": {"M": {"part": {"L": [{"N": "1"}, {"N": "9"}]}}},
    }
    dynamodb(c).put_item(TableName=name, Item={**where, **more})
    values = {":one": {"N": "1"}, ":five": {"N": "5"}, ":nine": {"N": "9"}, ":he": {"S": "he"}, ":n": {"S": "N"}}
    used = {value: values[value] for value in re.findall(r":\w+", text)}
    arguments = {"TableName": name, "Key": where, "ConditionExpression": text, "UpdateExpression": "SET done = :done"}
    arguments["ExpressionAttributeValues"] = {**used, ":done": {"BOOL": True}}
    if holds:
        dynamodb(c).update_item(**arguments)
    else:
        c.refused(*CONDITION, dynamodb(c).update_item, **arguments)


UPDATES = {
    "SET": ("SET n = :two", {"n": {"N": "2"}}),
    "arithmetic": ("SET n = n + :two", {"n": {"N": "7"}}),
    "a default": ("SET extra = if_not_exists(extra, :two)", {"extra": {"N": "2"}}),
    "a longer list": ("SET things = list_append(things, :things)", {"things": {"L": [{"N": "1"}, {"N": "2"}]}}),
    "a place in a list": ("SET things[0] = :two", {"things": {"L": [{"N": "2"}]}}),
    "a place in a map": ("SET m.deep = :two", {"m": {"M": {"deep": {"N": "2"}}}}),
    "REMOVE": ("REMOVE n", {"n": None}),
    "ADD to a number": ("ADD n :two", {"n": {"N": "7"}}),
    "ADD to a missing number": ("ADD extra :two", {"extra": {"N": "2"}}),
    "ADD to a set": ("ADD words :words", {"words": {"SS": ["a", "b"]}}),
    "DELETE from a set": ("DELETE words :a", {"words": None}),
    "several at once": ("SET n = :two REMOVE m ADD extra :two", {"n": {"N": "2"}, "m": None, "extra": {"N": "2"}}),
}


@check.each(UPDATES, "guide, Update expressions")
def update_with(c, case):
    """UpdateItem understands {case}."""
    expression, expected = case
    name, where = shared(c), key(c)
    item = {"n": {"N": "5"}, "things": {"L": [{"N": "1"}]}, "m": {"M": {"deep": {"N": "1"}}}, "words": {"SS": ["a"]}}
    dynamodb(c).put_item(TableName=name, Item={**where, **item})
    values = {":two": {"N": "2"}, ":things": {"L": [{"N": "2"}]}, ":words": {"SS": ["a", "b"]}, ":a": {"SS": ["a"]}}
    used = {value: values[value] for value in re.findall(r":\w+", expression)}
    arguments = {"TableName": name, "Key": where, "UpdateExpression": expression, "ReturnValues": "ALL_NEW"}
    if used:
        arguments["ExpressionAttributeValues"] = used
    seen = dynamodb(c).update_item(**arguments)["Attributes"]
    wanted = {key: value for key, value in {**where, **item, **expected}.items() if value is not None}
    for attributes in (seen, wanted):
        if "words" in attributes:
            attributes["words"]["SS"].sort()
    c.equal("item", seen, wanted)


@check("API UpdateItem: creates what is not there; ReturnValues")
def update_makes_an_item(c):
    """UpdateItem makes an item that is not there, and returns what it is asked to."""
    client, name, where = dynamodb(c), shared(c), key(c)
    arguments = {"TableName": name, "Key": where, "UpdateExpression": "SET n = :n"}
    seen = client.update_item(**arguments, ExpressionAttributeValues={":n": {"N": "1"}}, ReturnValues="UPDATED_NEW")
    c.equal("updated", seen["Attributes"], {"n": {"N": "1"}})
    seen = client.update_item(**arguments, ExpressionAttributeValues={":n": {"N": "2"}}, ReturnValues="UPDATED_OLD")
    c.equal("before", seen["Attributes"], {"n": {"N": "1"}})


EXPRESSIONS = {
    "a reserved word": ({"UpdateExpression": "SET name = :v"}, "reserved keyword"),
    "a value that is not used": ({"UpdateExpression": "REMOVE n"}, "unused in expressions"),
    "a value that is not given": ({"UpdateExpression": "SET n = :v, m = :none"}, "attribute value"),
    "a change of the key": ({"UpdateExpression": "SET sk = :v"}, "part of the key"),
    "nonsense": ({"UpdateExpression": "PLEASE n = :v"}, "Syntax error"),
}


@check.each(EXPRESSIONS, "guide, Update expressions; seen: DynamoDB's ValidationException texts")
def update_refuses(c, case):
    """UpdateItem refuses {case}: ValidationException 400."""
    arguments, says = case
    values = {":v": {"S": "x"}}
    call = dynamodb(c).update_item
    c.refused(*BAD, call, says=says, TableName=shared(c), Key=key(c), ExpressionAttributeValues=values, **arguments)


@check("API Query")
def query_by_partition(c):
    """Query gives a partition's items in the order of the sort key, or the other way round."""
    name, pk = filled(c, "b", "c", "a")
    c.equal("forwards", sort_keys(query(c, name, pk)), ["a", "b", "c"])
    c.equal("backwards", sort_keys(query(c, name, pk, ScanIndexForward=False)), ["c", "b", "a"])
    seen = query(c, name, pk, Select="COUNT")
    c.equal("count", (seen["Count"], "Items" in seen), (3, False))


QUERIES = {
    "an equal sort key": ("sk = :a", {":a": "b-1"}, ["b-1"]),
    "a greater sort key": ("sk > :a", {":a": "b-1"}, ["b-2", "c-1"]),
    "a sort key between": ("sk BETWEEN :a AND :b", {":a": "a-2", ":b": "b-1"}, ["b-1"]),
    "the beginning of the sort key": ("begins_with(sk, :a)", {":a": "b-"}, ["b-1", "b-2"]),
}


@check.each(QUERIES, "guide, Key condition expressions for the Query operation")
def query_by(c, case):
    """Query by {case}."""
    text, values, expected = case
    name, pk = filled(c, "a-1", "b-1", "b-2", "c-1")
    values = {name: {"S": value} for name, value in values.items()}
    c.equal("items", sort_keys(query(c, name, pk, f"pk = :pk AND {text}", values)), expected)


@check("API Query, Limit and LastEvaluatedKey")
def query_pages(c):
    """Query gives at most Limit items and where to go on."""
    name, pk = filled(c, "a", "b", "c")
    first = query(c, name, pk, Limit=2)
    expected = {"pk": {"S": pk}, "sk": {"S": "b"}}
    c.equal("first page", (sort_keys(first), first.get("LastEvaluatedKey")), (["a", "b"], expected))
    second = query(c, name, pk, Limit=2, ExclusiveStartKey=first["LastEvaluatedKey"])
    c.equal("second page", (sort_keys(second), second.get("LastEvaluatedKey")), (["c"], None))


@check("API Query, FilterExpression, ProjectionExpression")
def query_filters_and_projects(c):
    """A filter leaves items out but counts them as scanned; a projection keeps some attributes."""
    name, pk = filled(c, "a", "b", "c")
    seen = query(
        c,
        name,
        pk,
        values={":n": {"N": "0"}},
        FilterExpression="n > :n",
        ProjectionExpression="#n",
        ExpressionAttributeNames={"#n": "n"},
    )
    c.equal("items", seen["Items"], [{"n": {"N": "1"}}, {"n": {"N": "2"}}])
    c.equal("counts", (seen["Count"], seen["ScannedCount"]), (2, 3))


@check("API Query, KeyConditionExpression")
def query_needs_the_partition(c):
    """A query without the partition key: ValidationException 400."""
    arguments = {"KeyConditionExpression": "sk = :v", "ExpressionAttributeValues": {":v": {"S": "x"}}}
    c.refused(
        *BAD, dynamodb(c).query, says="Query condition missed key schema element", TableName=shared(c), **arguments
    )


@check("guide, Global secondary indexes")
def query_by_index(c):
    """A global secondary index finds items by other attributes, and only those that have them."""
    name = table(
        c,
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "colour")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-colour",
                "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    client = dynamodb(c)
    for sk, colour in (("a", "blue"), ("b", "red"), ("c", None)):
        item = {"pk": {"S": "x"}, "sk": {"S": sk}, **({"colour": {"S": colour}} if colour else {})}
        client.put_item(TableName=name, Item=item)
    where = {"KeyConditionExpression": "colour = :c", "ExpressionAttributeValues": {":c": {"S": "blue"}}}
    probe = lambda: sort_keys(client.query(TableName=name, IndexName="by-colour", **where)) == ["a"]
    c.eventually("the blue one", probe, 1 if c.world.endpoint else 10)
    c.refused(*BAD, client.query, TableName=name, IndexName="none", **where)


@check("API Scan")
def scan_gives_everything(c):
    """Scan gives every item of the table, filtered when asked."""
    client, name = dynamodb(c), table(c)
    for number in range(3):
        client.put_item(TableName=name, Item={"pk": {"S": str(number)}, "sk": {"S": "x"}, "n": {"N": str(number)}})
    c.equal("count", client.scan(TableName=name, ConsistentRead=True)["Count"], 3)
    more = {"FilterExpression": "n >= :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    c.equal("filtered", client.scan(TableName=name, ConsistentRead=True, **more)["Count"], 2)


@check("API BatchWriteItem, BatchGetItem")
def batches(c):
    """BatchWriteItem puts and deletes; BatchGetItem gives what is there; nothing is left unprocessed."""
    client, (name, pk) = dynamodb(c), filled(c, "old")
    where = lambda sk: {"pk": {"S": pk}, "sk": {"S": sk}}
    requests = [{"PutRequest": {"Item": where(sk)}} for sk in ("a", "b")]
    requests.append({"DeleteRequest": {"Key": where("old")}})
    c.equal("unprocessed", client.batch_write_item(RequestItems={name: requests})["UnprocessedItems"], {})
    wanted = {name: {"Keys": [where(sk) for sk in ("a", "b", "old")], "ConsistentRead": True}}
    c.same("got", client.batch_get_item(RequestItems=wanted)["Responses"][name], [where("a"), where("b")])


@check("API TransactWriteItems, TransactionCanceledException")
def transaction_is_all_or_nothing(c):
    """A transaction with a failing condition changes nothing and tells which part failed."""
    client, (name, pk) = dynamodb(c), filled(c, "taken")
    where = lambda sk: {"pk": {"S": pk}, "sk": {"S": sk}}
    put = lambda sk: {"Put": {"TableName": name, "Item": where(sk), "ConditionExpression": "attribute_not_exists(pk)"}}
    client.transact_write_items(TransactItems=[put("a"), put("b")])
    call = client.transact_write_items
    answer = c.refused("TransactionCanceledException", 400, call, TransactItems=[put("c"), put("taken")])
    reasons = [reason["Code"] for reason in answer.get("CancellationReasons", [])]
    c.equal("reasons", reasons, ["None", "ConditionalCheckFailed"])
    c.equal("items", sort_keys(query(c, name, pk)), ["a", "b", "taken"])
