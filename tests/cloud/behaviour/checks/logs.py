"""CloudWatch Logs: groups, streams, events, filters."""

import time

from judge import Group

check = Group("logs")

GONE = ("ResourceNotFoundException", 400)
TAKEN = ("ResourceAlreadyExistsException", 400)
BAD = ("InvalidParameterException", 400)

# model PutRetentionPolicy: Days.
DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


def group(c, **more) -> str:
    name = more.pop("logGroupName", None) or f"/bhv/{c.name('group')}"
    c.aws("logs").create_log_group(logGroupName=name, **more)
    c.defer(c.aws("logs").delete_log_group, logGroupName=name)
    return name


def found(c, name: str) -> dict:
    groups = c.aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next(item for item in groups if item["logGroupName"] == name)


def stream(c, *messages) -> tuple:
    """A group with one stream of these messages, a second apart and the last one now."""
    logs, name = c.aws("logs"), group(c)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    if messages:
        start = int(time.time() * 1000) - 1000 * (len(messages) - 1)
        events = [{"timestamp": start + 1000 * at, "message": text} for at, text in enumerate(messages)]
        logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    return name, "s"


def filtered(c, name: str, **more) -> list:
    """The messages that match, once all that were put can be found."""
    pages = c.aws("logs").get_paginator("filter_log_events").paginate(logGroupName=name, **more)
    return [event["message"] for page in pages for event in page["events"]]


@check("API CreateLogGroup, DescribeLogGroups")
def group_is_made_and_described(c):
    """A group has its ARN with and without star, its creation time, and no retention."""
    name = group(c)
    seen = found(c, name)
    arn = f"arn:aws:logs:{c.region}:{c.account}:log-group:{name}"
    c.has("group", seen, {"arn": f"{arn}:*", "logGroupArn": arn, "storedBytes": 0, "metricFilterCount": 0})
    c.true("creationTime about now", abs(seen["creationTime"] / 1000 - time.time()) < 300, seen["creationTime"])
    c.true("no retention", "retentionInDays" not in seen, seen)


@check("recorded: test_create_log_group_duplicate_error")
def group_again_exists(c):
    """A group name that is taken: ResourceAlreadyExistsException 400."""
    name = group(c)
    says = "^The specified log group already exists$"
    c.refused(*TAKEN, c.aws("logs").create_log_group, says=says, logGroupName=name)


@check("recorded: test_create_log_group_invalid_name_length; model: LogGroupName")
def group_name_has_limits(c):
    """A group name of 513 characters, or with a space: InvalidParameterException 400."""
    for name in ("n" * 513, "two words"):
        c.refused(*BAD, group, c=c, logGroupName=name)


@check("API DeleteLogGroup; seen: 'The specified log group does not exist.'")
def group_is_deleted(c):
    """DeleteLogGroup takes the streams along; then it is not found, nor deletable again."""
    logs, (name, _) = c.aws("logs"), stream(c, "x")
    logs.delete_log_group(logGroupName=name)
    c.equal("groups", logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"], [])
    says = "The specified log group does not exist"
    for call, more in (
        (logs.delete_log_group, {}),
        (logs.describe_log_streams, {}),
        (logs.put_retention_policy, {"retentionInDays": 7}),
        (logs.filter_log_events, {}),
        (logs.create_log_stream, {"logStreamName": "s"}),
    ):
        c.refused(*GONE, call, says=says, logGroupName=name, **more)


@check("API DescribeLogGroups, limit and nextToken")
def groups_page(c):
    """DescribeLogGroups finds by prefix and pages."""
    prefix = f"/bhv/{c.name('page')}"
    names = [group(c, logGroupName=f"{prefix}/{number}") for number in range(3)]
    logs = c.aws("logs")
    first = logs.describe_log_groups(logGroupNamePrefix=prefix, limit=2)
    c.true("a page of 2 and a nextToken", len(first["logGroups"]) == 2 and first.get("nextToken"), first)
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix=prefix, PaginationConfig={"PageSize": 2}
    )
    c.equal("names", [item["logGroupName"] for page in pages for item in page["logGroups"]], names)


@check("API PutRetentionPolicy, DeleteRetentionPolicy")
def retention_is_kept(c):
    """Every retention of AWS's list is taken; DeleteRetentionPolicy leaves none."""
    logs, name = c.aws("logs"), group(c)
    for days in DAYS:
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        c.equal("retentionInDays", found(c, name).get("retentionInDays"), days)
    logs.delete_retention_policy(logGroupName=name)
    c.true("no retention", "retentionInDays" not in found(c, name))


@check.each({f"{days} days": days for days in (0, 2, 15, 366, 4000)}, "API PutRetentionPolicy: possible values")
def retention_refuses(c, days):
    """A retention of {case} is refused: InvalidParameterException 400."""
    call = c.raw("logs").put_retention_policy
    c.refused(*BAD, call, logGroupName=group(c), retentionInDays=days)


@check("API TagResource, UntagResource, ListTagsForResource")
def tags_come_and_go(c):
    """Tags from creation and from TagResource are listed; UntagResource removes them."""
    logs, name = c.aws("logs"), group(c, tags={"a": "1"})
    arn = f"arn:aws:logs:{c.region}:{c.account}:log-group:{name}"
    logs.tag_resource(resourceArn=arn, tags={"a": "2", "b": "3"})
    c.equal("tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"a": "2", "b": "3"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    c.equal("tags", logs.list_tags_for_resource(resourceArn=arn)["tags"], {"b": "3"})


@check("API TagResource, ResourceNotFoundException")
def tags_of_missing_are_not_found(c):
    """Tags of a group that is not there: ResourceNotFoundException 400."""
    arn = f"arn:aws:logs:{c.region}:{c.account}:log-group:/bhv/{c.name('none')}"
    c.refused(*GONE, c.aws("logs").list_tags_for_resource, resourceArn=arn)


@check("recorded: test_create_log_stream_duplicate_error; API CreateLogStream, DeleteLogStream")
def streams_come_and_go(c):
    """A stream is made once, described with its ARN, and deleted once."""
    logs, name = c.aws("logs"), group(c)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    says = "^The specified log stream already exists$"
    c.refused(*TAKEN, logs.create_log_stream, says=says, logGroupName=name, logStreamName="one")
    seen = logs.describe_log_streams(logGroupName=name)["logStreams"]
    arn = f"arn:aws:logs:{c.region}:{c.account}:log-group:{name}:log-stream:one"
    c.equal("streams", [(item["logStreamName"], item["arn"]) for item in seen], [("one", arn)])
    logs.delete_log_stream(logGroupName=name, logStreamName="one")
    c.refused(*GONE, logs.delete_log_stream, logGroupName=name, logStreamName="one")


@check("API DescribeLogStreams")
def streams_are_listed(c):
    """DescribeLogStreams finds by prefix, sorts by name, and pages."""
    logs, name = c.aws("logs"), group(c)
    for item in ("b-2", "a-1", "b-1", "b-3"):
        logs.create_log_stream(logGroupName=name, logStreamName=item)
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=name, logStreamNamePrefix="b-", PaginationConfig={"PageSize": 2}
    )
    seen = [item["logStreamName"] for page in pages for item in page["logStreams"]]
    c.equal("names", seen, ["b-1", "b-2", "b-3"])


@check("API DescribeLogStreams, orderBy LastEventTime")
def streams_are_listed_by_time(c):
    """DescribeLogStreams can put the stream with the latest event first."""
    logs, name = c.aws("logs"), group(c)
    now = int(time.time() * 1000)
    for item, age in (("a", 30_000), ("b", 0), ("c", 60_000)):
        logs.create_log_stream(logGroupName=name, logStreamName=item)
        events = [{"timestamp": now - age, "message": "x"}]
        logs.put_log_events(logGroupName=name, logStreamName=item, logEvents=events)
    seen = logs.describe_log_streams(logGroupName=name, orderBy="LastEventTime", descending=True)["logStreams"]
    c.equal("names", [item["logStreamName"] for item in seen], ["b", "a", "c"])


@check("API PutLogEvents, GetLogEvents")
def events_are_put_and_got(c):
    """GetLogEvents gives what was put, with timestamps and ingestion times."""
    name, item = stream(c, "one", "two")
    seen = c.aws("logs").get_log_events(logGroupName=name, logStreamName=item, startFromHead=True)["events"]
    c.equal("messages", [event["message"] for event in seen], ["one", "two"])
    c.equal("a second between", seen[1]["timestamp"] - seen[0]["timestamp"], 1000)
    c.true("ingestionTime", all(event.get("ingestionTime") for event in seen), seen)


@check("API GetLogEvents, nextForwardToken: the same at the end")
def events_page(c):
    """GetLogEvents pages forwards, and at the end gives back the token that it was given."""
    logs, (name, item) = c.aws("logs"), stream(c, "one", "two", "three")
    where = {"logGroupName": name, "logStreamName": item, "startFromHead": True, "limit": 2}
    seen = logs.get_log_events(**where)
    c.equal("first", [event["message"] for event in seen["events"]], ["one", "two"])
    seen = logs.get_log_events(**where, nextToken=seen["nextForwardToken"])
    c.equal("second", [event["message"] for event in seen["events"]], ["three"])
    last = seen["nextForwardToken"]
    seen = logs.get_log_events(**where, nextToken=last)
    c.equal("at the end", (seen["events"], seen["nextForwardToken"]), ([], last))


@check("API GetLogEvents, startFromHead: false by default")
def events_start_from_the_end(c):
    """Without startFromHead, GetLogEvents gives the last ones, oldest first."""
    name, item = stream(c, "one", "two", "three")
    seen = c.aws("logs").get_log_events(logGroupName=name, logStreamName=item, limit=2)["events"]
    c.equal("messages", [event["message"] for event in seen], ["two", "three"])


@check("recorded: test_put_log_events_wrong_order")
def events_must_be_in_order(c):
    """Events out of order: InvalidParameterException 400."""
    now = int(time.time() * 1000)
    name, item = stream(c)
    events = [{"timestamp": now, "message": "late"}, {"timestamp": now - 1000, "message": "early"}]
    says = "must be in chronological order"
    c.refused(*BAD, c.aws("logs").put_log_events, says=says, logGroupName=name, logStreamName=item, logEvents=events)


@check("recorded: test_put_log_events_to_invalid_stream")
def events_need_a_stream(c):
    """Events for a stream that is not there: ResourceNotFoundException 400."""
    events = [{"timestamp": int(time.time() * 1000), "message": "x"}]
    call, says = c.aws("logs").put_log_events, "The specified log stream does not exist"
    c.refused(*GONE, call, says=says, logGroupName=group(c), logStreamName="none", logEvents=events)


HOUR = 3_600_000


@check("API PutLogEvents, rejectedLogEventsInfo: fourteen days back, two hours ahead")
def events_too_old_or_new_are_rejected(c):
    """Events of 15 days ago or 3 hours ahead are left out, and rejectedLogEventsInfo says which."""
    now = int(time.time() * 1000)
    logs, (name, item) = c.aws("logs"), stream(c)
    batches = (
        ((("old", now - 15 * 24 * HOUR),), {"tooOldLogEventEndIndex": 1}),
        ((("now", now), ("ahead", now + 3 * HOUR)), {"tooNewLogEventStartIndex": 1}),
    )
    for batch, expected in batches:
        events = [{"timestamp": at, "message": text} for text, at in batch]
        answer = logs.put_log_events(logGroupName=name, logStreamName=item, logEvents=events)
        c.has("rejectedLogEventsInfo", answer.get("rejectedLogEventsInfo"), expected)
    seen = logs.get_log_events(logGroupName=name, logStreamName=item, startFromHead=True)["events"]
    c.equal("kept", [event["message"] for event in seen], ["now"])


@check("API PutLogEvents: a batch cannot span more than 24 hours")
def events_span_a_day_at_most(c):
    """Events more than 24 hours apart in one request: InvalidParameterException 400."""
    now = int(time.time() * 1000)
    name, item = stream(c)
    events = [{"timestamp": now - 25 * HOUR, "message": "early"}, {"timestamp": now, "message": "late"}]
    c.refused(*BAD, c.aws("logs").put_log_events, logGroupName=name, logStreamName=item, logEvents=events)


@check("recorded: test_get_log_events_limit_validation")
def events_limit_is_ten_thousand(c):
    """GetLogEvents of more than 10,000: InvalidParameterException 400."""
    name, item = stream(c, "x")
    call = c.aws("logs").get_log_events
    c.refused(*BAD, call, says="'limit'", logGroupName=name, logStreamName=item, limit=10001)


TEXTS = (
    "[ERROR] disk is full",
    "[INFO] disk is fine",
    "[ERROR] network is down",
    "error in small letters",
)
JSON = (
    '{"level":"ERROR","ms":120,"user":{"name":"ada"},"tags":["a","b"],"flag":true}',
    '{"level":"INFO","ms":7,"user":{"name":"bob"},"note":null}',
    '{"level":"ERRAND","ms":99.5}',
    "not json, level ERROR",
)
LINES = ("GET /index 200 12", "POST /form 500 340", "GET /other 404 5")

PATTERNS = {
    "one word": (TEXTS, "ERROR", (0, 2)),
    "two words": (TEXTS, "ERROR disk", (0,)),
    "a quoted phrase": (TEXTS, '"disk is"', (0, 1)),
    "quoted brackets": (TEXTS, '"[ERROR]"', (0, 2)),
    "a word to leave out": (TEXTS, "disk -full", (1,)),
    "either of two words": (TEXTS, "?full ?down", (0, 2)),
    "a regular expression": (TEXTS, "%[Ee]rror%", (3,)),
    "nothing": (TEXTS, "", (0, 1, 2, 3)),
    "a json string": (JSON, '{ $.level = "ERROR" }', (0,)),
    "a json string with wildcard": (JSON, '{ $.level = "ERR*" }', (0, 2)),
    "another json string": (JSON, '{ $.level != "ERROR" }', (1, 2)),
    "a json number": (JSON, "{ $.ms > 99 }", (0, 2)),
    "an exact json number": (JSON, "{ $.ms = 7 }", (1,)),
    "a nested json field": (JSON, '{ $.user.name = "ada" }', (0,)),
    "an item of a json list": (JSON, '{ $.tags[1] = "b" }', (0,)),
    "json fields together": (JSON, '{ ($.level = "ERROR") && ($.ms >= 120) }', (0,)),
    "either json field": (JSON, '{ ($.ms = 7) || ($.level = "ERRAND") }', (1, 2)),
    "a json null": (JSON, "{ $.note IS NULL }", (1,)),
    "a missing json field": (JSON, "{ $.user NOT EXISTS }", (2,)),
    "a true json field": (JSON, "{ $.flag IS TRUE }", (0,)),
    "columns": (LINES, "[method, path, status, ms]", (0, 1, 2)),
    "a column with wildcard": (LINES, "[method, path, status = 4*, ms]", (2,)),
    "a column as number": (LINES, "[method, path, status, ms > 100]", (1,)),
    "columns after some": (LINES, "[..., status = 500, ms]", (1,)),
}


@check.each(PATTERNS, "guide, CloudWatch Logs filter pattern syntax")
def filter_by(c, case):
    """FilterLogEvents by {case} gives the events that match, and no others."""
    messages, pattern, expected = case
    name, _ = stream(c, *messages)
    more = {"filterPattern": pattern} if pattern else {}
    expected = [messages[index] for index in expected]
    within = 1 if c.world.endpoint else 20
    if expected:
        c.eventually("matches", lambda: filtered(c, name, **more), within)
    c.equal("messages", filtered(c, name, **more), expected)


@check("guide, CloudWatch Logs filter pattern syntax")
def filter_pattern_must_be_lawful(c):
    """A pattern that cannot be read: InvalidParameterException 400."""
    name, _ = stream(c, "x")
    c.refused(*BAD, c.aws("logs").filter_log_events, logGroupName=name, filterPattern="{ $.level = ")


@check("API FilterLogEvents, startTime, endTime, logStreamNames")
def filter_by_time_and_stream(c):
    """FilterLogEvents keeps to a time and to streams, and says of each event where it is from."""
    logs, name, now = c.aws("logs"), group(c), int(time.time() * 1000)
    for item, age in (("a", 30_000), ("b", 20_000), ("c", 10_000)):
        logs.create_log_stream(logGroupName=name, logStreamName=item)
        logs.put_log_events(
            logGroupName=name, logStreamName=item, logEvents=[{"timestamp": now - age, "message": item}]
        )
    c.eventually("all three", lambda: len(filtered(c, name)) == 3, 1 if c.world.endpoint else 20)
    c.equal("since", filtered(c, name, startTime=now - 20_000), ["b", "c"])
    c.equal("until", filtered(c, name, endTime=now - 15_000), ["a", "b"])
    c.equal("of streams", filtered(c, name, logStreamNames=["a", "c"]), ["a", "c"])
    c.equal("of a prefix", filtered(c, name, logStreamNamePrefix="b"), ["b"])
    event = logs.filter_log_events(logGroupName=name, logStreamNames=["b"])["events"][0]
    c.has("event", event, {"logStreamName": "b", "timestamp": now - 20_000, "message": "b"})
    c.true("an eventId", event.get("eventId"), event)


@check("API FilterLogEvents, limit and nextToken")
def filter_pages(c):
    """FilterLogEvents pages: at most limit events, the rest by nextToken, each once."""
    name, _ = stream(c, *(f"event {number}" for number in range(5)))
    c.eventually("all five", lambda: len(filtered(c, name)) == 5, 1 if c.world.endpoint else 20)
    seen = c.aws("logs").filter_log_events(logGroupName=name, limit=2)
    c.true("at most two, and a nextToken", len(seen["events"]) <= 2 and seen.get("nextToken"), seen)
    c.equal("all", filtered(c, name, PaginationConfig={"PageSize": 2}), [f"event {number}" for number in range(5)])


@check("API PutMetricFilter, DescribeMetricFilters, DeleteMetricFilter")
def metric_filters_come_and_go(c):
    """A metric filter is put, described, counted in its group, and deleted once."""
    logs, name = c.aws("logs"), group(c)
    turned = {"metricName": "errors", "metricNamespace": "bhv", "metricValue": "1"}
    where = {"logGroupName": name, "filterName": "errors"}
    logs.put_metric_filter(**where, filterPattern="ERROR", metricTransformations=[turned])
    seen = logs.describe_metric_filters(logGroupName=name)["metricFilters"]
    c.equal("filters", [(item["filterName"], item["filterPattern"]) for item in seen], [("errors", "ERROR")])
    c.has("transformation", seen[0]["metricTransformations"][0], turned)
    c.equal("metricFilterCount", found(c, name).get("metricFilterCount"), 1)
    logs.delete_metric_filter(**where)
    c.refused(*GONE, logs.delete_metric_filter, **where)
