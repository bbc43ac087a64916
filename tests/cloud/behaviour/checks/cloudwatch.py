"""CloudWatch: metrics, metric math, alarms, dashboards."""

import json
from datetime import datetime, timedelta, timezone

from judge import Group

check = Group("cloudwatch")

# The same error under the names that CloudWatch's protocols have for it.
GONE = (("ResourceNotFound", "ResourceNotFoundException"), 404)
INVALID = ("InvalidParameterValue", "InvalidParameterValueException")
COMBINATION = ("InvalidParameterCombination", "InvalidParameterCombinationException")
VALIDATION = ("ValidationError", "ValidationException", *INVALID)


def cloudwatch(c):
    return c.aws("cloudwatch")


# One for the whole run, so that no minute begins in the middle of a check.
START = datetime.now(timezone.utc).replace(second=0, microsecond=0)


def minute(ago: int = 0) -> datetime:
    """The start of a whole minute, so many before the run's own."""
    return START - timedelta(minutes=ago)


def put(c, space: str, name: str, *values, ago=2, dimensions=(), **more) -> None:
    data = {"MetricName": name, "Timestamp": minute(ago), "Dimensions": list(dimensions), **more}
    items = [{**data, "Value": value} for value in values] if values else [data]
    cloudwatch(c).put_metric_data(Namespace=space, MetricData=items)


def query(id_: str, space: str, name: str, stat="Sum", hidden=False, dimensions=(), period=60) -> dict:
    metric = {"Namespace": space, "MetricName": name, "Dimensions": list(dimensions)}
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, "ReturnData": not hidden}


def data(c, *queries, ago=10, **more) -> dict:
    """Query id to its values, oldest first."""
    arguments = {"StartTime": minute(ago), "EndTime": minute(-1), "ScanBy": "TimestampAscending", **more}
    answer = cloudwatch(c).get_metric_data(MetricDataQueries=list(queries), **arguments)
    return {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}


def settle(c, *queries, **more) -> dict:
    """The values once all of them are there: AWS takes a while to show what was put."""
    wanted = {item["Id"] for item in queries if item.get("ReturnData", True)}

    def probe():
        seen = data(c, *queries, **more)
        return seen if wanted == set(seen) and all(seen.values()) else None

    return c.eventually("values for every query", probe, 1.5 if c.world.endpoint else 180)


STATISTICS = {"Sum": 10.0, "Average": 2.5, "Minimum": 1.0, "Maximum": 4.0, "SampleCount": 4.0}


@check.each({stat: (stat, value) for stat, value in STATISTICS.items()}, "API GetMetricStatistics")
def statistics_have(c, case):
    """GetMetricStatistics gives the {case} of each period."""
    stat, expected = case
    space = c.name("space")
    put(c, space, "m", 1.0, 2.0, 3.0, 4.0, Unit="Count")
    arguments = {"Namespace": space, "MetricName": "m", "StartTime": minute(10), "EndTime": minute(-1), "Period": 60}

    def probe():
        return cloudwatch(c).get_metric_statistics(Statistics=[stat], **arguments)["Datapoints"]

    points = c.eventually("datapoints", probe, 1.5 if c.world.endpoint else 180)
    c.equal("values", [point[stat] for point in points], [expected])
    c.equal("time and unit", (points[0]["Timestamp"], points[0]["Unit"]), (minute(2), "Count"))


@check("API GetMetricStatistics, Dimensions")
def dimensions_make_metrics(c):
    """The same name with other dimensions is another metric."""
    space = c.name("space")
    one, two = ([{"Name": "fn", "Value": value}] for value in ("one", "two"))
    put(c, space, "m", 1.0, dimensions=one)
    put(c, space, "m", 2.0, dimensions=two)
    seen = settle(c, query("a", space, "m", dimensions=one), query("b", space, "m", dimensions=two))
    c.equal("values", seen, {"a": [1.0], "b": [2.0]})
    c.equal("without dimensions", data(c, query("n", space, "m")), {"n": []})


@check("API ListMetrics")
def metrics_are_listed(c):
    """ListMetrics finds metrics by namespace, name and dimension."""
    space = c.name("space")
    put(c, space, "m", 1.0, dimensions=[{"Name": "fn", "Value": "one"}])
    put(c, space, "n", 1.0)

    def probe():
        seen = cloudwatch(c).list_metrics(Namespace=space)["Metrics"]
        return seen if len(seen) == 2 else None

    seen = c.eventually("two metrics", probe, 1.5 if c.world.endpoint else 900)
    c.same("names", [metric["MetricName"] for metric in seen], ["m", "n"])
    kept = cloudwatch(c).list_metrics(Namespace=space, Dimensions=[{"Name": "fn", "Value": "one"}])["Metrics"]
    c.equal("by dimension", [metric["MetricName"] for metric in kept], ["m"])


@check("API GetMetricData")
def data_by_period(c):
    """GetMetricData gives a value for each period that has data, in the order asked for."""
    space = c.name("space")
    put(c, space, "m", 1.0, ago=5)
    put(c, space, "m", 2.0, 3.0, ago=3)
    seen = settle(c, query("a", space, "m"))
    c.equal("ascending", seen["a"], [1.0, 5.0])
    c.equal("descending", data(c, query("a", space, "m"), ScanBy="TimestampDescending")["a"], [5.0, 1.0])


@check("API MetricDatum, StatisticValues, Values and Counts")
def data_from_sets(c):
    """Values with counts, and statistic sets, count as so many values."""
    space = c.name("space")
    put(c, space, "counted", Values=[1.0, 10.0], Counts=[4.0, 1.0])
    put(c, space, "set", StatisticValues={"SampleCount": 5, "Sum": 15, "Minimum": 1, "Maximum": 7})
    seen = settle(
        c,
        query("a", space, "counted", "Sum"),
        query("b", space, "counted", "SampleCount"),
        query("c", space, "set", "Average"),
        query("d", space, "set", "Maximum"),
    )
    c.equal("values", seen, {"a": [14.0], "b": [5.0], "c": [3.0], "d": [7.0]})


@check("guide, CloudWatch statistics: percentiles")
def data_percentiles(c):
    """Percentiles: p50 of 1 to 100 is about 50, p99 about 99."""
    space = c.name("space")
    put(c, space, "m", Values=[float(value) for value in range(1, 101)])
    seen = settle(c, query("a", space, "m", "p50"), query("b", space, "m", "p99"))
    c.true("p50 about 50", 48 <= seen["a"][0] <= 53, seen)
    c.true("p99 about 99", 97 <= seen["b"][0] <= 100, seen)


MATH = {
    "a sum": ("m1 + m2", [11.0, 22.0]),
    "a rate": ("100 * m1 / m2", [10.0, 10.0]),
    "parentheses": ("(m2 - m1) * 2", [18.0, 36.0]),
    "the sum of all": ("SUM(METRICS())", [11.0, 22.0]),
    "the greatest of all": ("MAX([m1, m2])", [10.0, 20.0]),
    "a condition": ("IF(m1 > 1, m2, 0)", [0.0, 20.0]),
    "a comparison": ("m1 > 1", [0.0, 1.0]),
    "a function of one": ("RUNNING_SUM(m1)", [1.0, 3.0]),
    "missing values filled": ("FILL(m3, 0) + m1", [6.0, 2.0]),
}


@check.each(MATH, "guide, Using metric math")
def math_with(c, case):
    """Metric math computes {case}, and queries with ReturnData false are left out."""
    expression, expected = case
    space = c.name("space")
    for name, values in (("one", (1.0, 2.0)), ("two", (10.0, 20.0))):
        for ago, value in zip((5, 3), values):
            put(c, space, name, value, ago=ago)
    put(c, space, "three", 5.0, ago=5)
    queries = [query(f"m{at}", space, name, hidden=True) for at, name in enumerate(("one", "two"), 1)]
    if "m3" in expression:
        queries.append(query("m3", space, "three", hidden=True))
    queries.append({"Id": "e1", "Expression": expression, "Label": "result"})
    seen = settle(c, *queries)
    c.equal("results", sorted(seen), ["e1"])
    c.equal("values", seen["e1"], expected)


@check("guide, Using metric math", unsure="AWS fills each period of the query; we look at those with data only")
def math_fills_every_period(c):
    """FILL gives a value for every period of the query once the metric has any."""
    space = c.name("space")
    put(c, space, "m", 5.0, ago=4)
    queries = (query("m1", space, "m", hidden=True), {"Id": "e1", "Expression": "FILL(m1, 0)"})
    seen = settle(c, *queries)["e1"]
    c.true("more than one value, one of them 5", len(seen) > 1 and seen.count(5.0) == 1, seen)


BAD_DATA = {
    "both value and values": ({"Value": 1.0, "Values": [1.0]}, COMBINATION),
    "counts of another number": ({"Values": [1.0, 2.0], "Counts": [1.0]}, INVALID),
    "both value and statistics": (
        {"Value": 1.0, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
        COMBINATION,
    ),
    "a time of three weeks ago": ({"Value": 1.0, "Timestamp": minute(21 * 24 * 60)}, INVALID),
    "a time of tomorrow": ({"Value": 1.0, "Timestamp": minute(-24 * 60)}, INVALID),
}


@check.each(BAD_DATA, "recorded: test_put_metric_data_validation; API MetricDatum, Timestamp")
def put_refuses(c, case):
    """PutMetricData refuses {case}: 400."""
    item, codes = case
    call = cloudwatch(c).put_metric_data
    c.refused(codes, 400, call, Namespace=c.name("space"), MetricData=[{"MetricName": "m", **item}])


@check("API PutMetricData, Namespace; seen: 'The value AWS/ for parameter Namespace is invalid.'")
def put_into_aws_is_refused(c):
    """Namespaces that begin with AWS/ are AWS's: 400."""
    call = cloudwatch(c).put_metric_data
    c.refused(INVALID, 400, call, Namespace="AWS/Tests", MetricData=[{"MetricName": "m", "Value": 1.0}])


@check("recorded: test_invalid_amount_of_datapoints")
def statistics_have_limits(c):
    """More than 1,440 datapoints, or an end before the start: 400."""
    call = cloudwatch(c).get_metric_statistics
    base = {"Namespace": c.name("space"), "MetricName": "m", "Statistics": ["Sum"]}
    says = "exceeds the limit of 1440"
    c.refused(COMBINATION, 400, call, says=says, StartTime=minute(24 * 60), EndTime=minute(), Period=1, **base)
    says = "StartTime must be less than the parameter EndTime"
    c.refused(INVALID, 400, call, says=says, StartTime=minute(), EndTime=minute(5), Period=60, **base)


def alarm(c, **changed) -> str:
    arguments = {
        "AlarmName": c.name("alarm"),
        "Namespace": "bhv",
        "MetricName": "errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **changed,
    }
    arguments = {key: value for key, value in arguments.items() if value is not None}
    cloudwatch(c).put_metric_alarm(**arguments)
    c.defer(cloudwatch(c).delete_alarms, AlarmNames=[arguments["AlarmName"]])
    return arguments["AlarmName"]


def seen_alarm(c, name: str) -> dict:
    found = cloudwatch(c).describe_alarms(AlarmNames=[name])["MetricAlarms"]
    c.equal("alarms of that name", len(found), 1)
    return found[0]


@check("API PutMetricAlarm, DescribeAlarms")
def alarm_is_made_and_described(c):
    """A new alarm has its ARN and the defaults, and no data."""
    name = alarm(c, AlarmDescription="for tests", TreatMissingData="notBreaching")
    expected = {
        "AlarmArn": f"arn:aws:cloudwatch:{c.region}:{c.account}:alarm:{name}",
        "AlarmDescription": "for tests",
        "ActionsEnabled": True,
        "AlarmActions": [],
        "OKActions": [],
        "InsufficientDataActions": [],
        "StateValue": "INSUFFICIENT_DATA",
        "MetricName": "errors",
        "Threshold": 5.0,
        "TreatMissingData": "notBreaching",
        "Dimensions": [],
    }
    c.has("alarm", seen_alarm(c, name), expected)


@check("API PutMetricAlarm: overwrites the previous configuration, keeps the state")
def alarm_is_put_again(c):
    """PutMetricAlarm of the same name replaces the whole configuration and keeps the state."""
    name = alarm(c, AlarmDescription="before")
    cloudwatch(c).set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="tests")
    alarm(c, AlarmName=name, Threshold=9.0)
    c.has("alarm", seen_alarm(c, name), {"Threshold": 9.0, "StateValue": "ALARM"})
    c.true("no description", not seen_alarm(c, name).get("AlarmDescription"), seen_alarm(c, name))


@check("API PutMetricAlarm, Metrics")
def alarm_on_metric_math(c):
    """An alarm can watch an expression instead of one metric."""
    queries = [
        {**query("m1", "bhv", "errors", hidden=True)},
        {**query("m2", "bhv", "calls", hidden=True)},
        {"Id": "e1", "Expression": "100 * m1 / m2", "Label": "rate", "ReturnData": True},
    ]
    name = alarm(c, Metrics=queries, Namespace=None, MetricName=None, Statistic=None, Period=None)
    seen = seen_alarm(c, name)
    c.equal("ids", [item["Id"] for item in seen["Metrics"]], ["m1", "m2", "e1"])
    c.true("no MetricName", "MetricName" not in seen, seen)


ALARMS = {
    "an unknown operator": {"ComparisonOperator": "IsNice"},
    "an unknown statistic": {"Statistic": "Mode"},
    "no statistic": {"Statistic": None},
    "a period of 7 s": {"Period": 7},
    "no evaluation periods": {"EvaluationPeriods": 0},
    "more datapoints than periods": {"DatapointsToAlarm": 3, "EvaluationPeriods": 2},
    "an unknown treatment of missing data": {"TreatMissingData": "ignored"},
    "a metric and metrics at once": {"Metrics": [{"Id": "e", "Expression": "1", "ReturnData": True}]},
}


@check.each(ALARMS, "API PutMetricAlarm; model: enumerations and ranges")
def alarm_refuses(c, changed):
    """PutMetricAlarm refuses {case}: 400."""
    name = c.name("alarm")
    arguments = {
        "AlarmName": name,
        "Namespace": "bhv",
        "MetricName": "errors",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **changed,
    }
    arguments = {key: value for key, value in arguments.items() if value is not None}
    c.defer(cloudwatch(c).delete_alarms, AlarmNames=[name])
    c.refused((*VALIDATION, *COMBINATION), 400, c.raw("cloudwatch").put_metric_alarm, **arguments)


@check("API SetAlarmState, DescribeAlarmHistory")
def alarm_state_is_set(c):
    """SetAlarmState changes state and reason, which DescribeAlarms can select and the history keeps."""
    client, name = cloudwatch(c), alarm(c)
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="as asked", StateReasonData='{"a":1}')
    c.has(
        "alarm", seen_alarm(c, name), {"StateValue": "ALARM", "StateReason": "as asked", "StateReasonData": '{"a":1}'}
    )
    chosen = client.describe_alarms(AlarmNamePrefix=name, StateValue="ALARM")["MetricAlarms"]
    c.equal("in ALARM", [item["AlarmName"] for item in chosen], [name])
    c.equal("in OK", client.describe_alarms(AlarmNamePrefix=name, StateValue="OK")["MetricAlarms"], [])
    history = client.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    c.true("a state update in the history", len(history) >= 1, history)


@check("recorded: test_set_alarm_invalid_input")
def alarm_state_must_be_one(c):
    """An unknown state: 400; an alarm that is not there: 404."""
    call = cloudwatch(c).set_alarm_state
    c.refused(VALIDATION, 400, call, says="stateValue", AlarmName=alarm(c), StateValue="FINE", StateReason="x")
    c.refused(*GONE, call, AlarmName=c.name("none"), StateValue="OK", StateReason="x")


@check("API DeleteAlarms, DescribeAlarms")
def alarms_are_deleted(c):
    """DeleteAlarms takes several; then DescribeAlarms has none."""
    client, names = cloudwatch(c), [alarm(c), alarm(c)]
    client.delete_alarms(AlarmNames=names)
    c.equal("left", client.describe_alarms(AlarmNames=names)["MetricAlarms"], [])


@check("API DeleteAlarms, ResourceNotFound", unsure="in the list of errors; others saw it succeed")
def alarm_missing_cannot_be_deleted(c):
    """Deleting an alarm that is not there: ResourceNotFound 404."""
    c.refused(*GONE, cloudwatch(c).delete_alarms, AlarmNames=[c.name("none")])


@check("API DescribeAlarms, MaxRecords and NextToken")
def alarms_page(c):
    """DescribeAlarms finds by prefix and pages."""
    prefix = c.name("page")
    names = [alarm(c, AlarmName=f"{prefix}-{number}") for number in range(3)]
    client = cloudwatch(c)
    c.equal("a page of 2", len(client.describe_alarms(AlarmNamePrefix=prefix, MaxRecords=2)["MetricAlarms"]), 2)
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, PaginationConfig={"PageSize": 2})
    c.equal("names", [item["AlarmName"] for page in pages for item in page["MetricAlarms"]], names)


@check("API DisableAlarmActions, EnableAlarmActions")
def alarm_actions_are_switched(c):
    """Actions are switched off and on."""
    client, name = cloudwatch(c), alarm(c)
    client.disable_alarm_actions(AlarmNames=[name])
    c.equal("off", seen_alarm(c, name)["ActionsEnabled"], False)
    client.enable_alarm_actions(AlarmNames=[name])
    c.equal("on", seen_alarm(c, name)["ActionsEnabled"], True)


@check("API TagResource, UntagResource, ListTagsForResource")
def alarm_tags(c):
    """Tags from creation and from TagResource are listed; UntagResource removes them."""
    client, name = cloudwatch(c), alarm(c, Tags=[{"Key": "a", "Value": "1"}])
    arn = f"arn:aws:cloudwatch:{c.region}:{c.account}:alarm:{name}"
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    expected = [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    c.same("tags", client.list_tags_for_resource(ResourceARN=arn)["Tags"], expected)
    client.untag_resource(ResourceARN=arn, TagKeys=["a"])
    c.same("tags", client.list_tags_for_resource(ResourceARN=arn)["Tags"], expected[1:])


WIDGET = {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "hello"}}


@check("API PutDashboard, GetDashboard, ListDashboards")
def dashboard_is_put_and_got(c):
    """A dashboard is put without complaints, put again, read and listed."""
    client, name = cloudwatch(c), c.name("dashboard")
    c.defer(client.delete_dashboards, DashboardNames=[name])
    for width in (6, 12):
        body = json.dumps({"widgets": [{**WIDGET, "width": width}]})
        answer = client.put_dashboard(DashboardName=name, DashboardBody=body)
        c.true("no messages", not answer.get("DashboardValidationMessages"), answer)
    seen = client.get_dashboard(DashboardName=name)
    c.equal("body", json.loads(seen["DashboardBody"]), {"widgets": [{**WIDGET, "width": 12}]})
    c.equal("ARN", seen["DashboardArn"], f"arn:aws:cloudwatch::{c.account}:dashboard/{name}")
    listed = client.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    c.equal("listed", [item["DashboardName"] for item in listed], [name])


@check("API PutDashboard, DashboardInvalidInputError")
def dashboard_must_be_json(c):
    """A body that is no JSON: InvalidParameterInput 400."""
    call = cloudwatch(c).put_dashboard
    name = c.name("dashboard")
    c.defer(cloudwatch(c).delete_dashboards, DashboardNames=[name])
    codes = ("InvalidParameterInput", "DashboardInvalidInputError")
    c.refused(codes, 400, call, DashboardName=name, DashboardBody="no json")


@check("recorded: test_invalid_dashboard_name")
def dashboard_name_is_a_word(c):
    """A dashboard name with a dot or space: 400."""
    body = json.dumps({"widgets": [WIDGET]})
    call = cloudwatch(c).put_dashboard
    c.defer(cloudwatch(c).delete_dashboards, DashboardNames=["two words."])
    c.refused((*INVALID, "InvalidParameterInput"), 400, call, DashboardName="two words.", DashboardBody=body)


@check("API GetDashboard, DeleteDashboards, DashboardNotFoundError")
def dashboard_missing(c):
    """A dashboard that is not there can neither be read nor deleted: 404."""
    client, name = cloudwatch(c), c.name("none")
    codes = ("ResourceNotFound", "DashboardNotFoundError")
    c.refused(codes, 404, client.get_dashboard, DashboardName=name)
    c.refused(codes, 404, client.delete_dashboards, DashboardNames=[name])
