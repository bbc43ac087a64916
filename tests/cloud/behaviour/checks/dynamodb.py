"""DynamoDB: tables."""

from judge import Group

check = Group("dynamodb")

GONE = ("ResourceNotFoundException", 400)
BAD = ("ValidationException", 400)


def dynamodb(c):
    return c.aws("dynamodb")


def create(c, **changed) -> dict:
    """CreateTable as it answers: a table keyed by `pk` and `sk`."""
    arguments = {
        "TableName": c.name("table"),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        **changed,
    }
    made = dynamodb(c).create_table(**arguments)["TableDescription"]
    c.defer(dynamodb(c).delete_table, TableName=arguments["TableName"])
    return made


def active(c, name: str) -> dict:
    def probe():
        seen = dynamodb(c).describe_table(TableName=name)["Table"]
        return seen if seen["TableStatus"] == "ACTIVE" else None

    return c.eventually("the table active", probe, 60)


def table(c, **changed) -> str:
    name = create(c, **changed)["TableName"]
    active(c, name)
    return name


def shared(c) -> str:
    """A table for checks that keep to a partition of their own."""
    return c.world.share("table", lambda case: table(case))


def key(c, sk="a") -> dict:
    return {"pk": {"S": c.name("pk")}, "sk": {"S": sk}}


@check("API CreateTable, DescribeTable; recorded: test_table_crud")
def table_is_made_and_described(c):
    """A table is CREATING, then ACTIVE, with ARN, id, keys and billing mode."""
    made = create(c)
    c.equal("TableStatus", made["TableStatus"], "CREATING")
    seen = active(c, made["TableName"])
    expected = {
        "TableArn": f"arn:aws:dynamodb:{c.region}:{c.account}:table/{made['TableName']}",
        "ItemCount": 0,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "DeletionProtectionEnabled": False,
    }
    c.has("table", seen, expected)
    c.equal("billing", seen["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")


@check("botocore waiters-2: TableExists, TableNotExists")
def waiters_end(c):
    """boto3's waiters for a table's coming and going end."""
    name = create(c)["TableName"]
    settings = {"Delay": 1, "MaxAttempts": 60}
    dynamodb(c).get_waiter("table_exists").wait(TableName=name, WaiterConfig=settings)
    c.equal("status", dynamodb(c).delete_table(TableName=name)["TableDescription"]["TableStatus"], "DELETING")
    dynamodb(c).get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=settings)


@check("API CreateTable, ResourceInUseException")
def table_again_is_in_use(c):
    """A table name that is taken: ResourceInUseException 400."""
    name = table(c)
    c.refused("ResourceInUseException", 400, create, says=f"Table already exists: {name}", c=c, TableName=name)


@check("recorded: test_table_crud; API DescribeTable")
def table_missing(c):
    """A table that is not there: ResourceNotFoundException 400."""
    client, name = dynamodb(c), c.name("none")
    says = f"Requested resource not found: Table: {name} not found"
    for call in (client.describe_table, client.delete_table):
        c.refused(*GONE, call, says=says, TableName=name)
    says = "Requested resource not found"
    c.refused(*GONE, client.put_item, says=says, TableName=name, Item=key(c))
    c.refused(*GONE, client.get_item, says=says, TableName=name, Key=key(c))
    c.refused(*GONE, client.scan, says=says, TableName=name)


TABLES = {
    "a key without definition": {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]},
    "a definition without key": {
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "other")]
    },
    "no capacity when provisioned": {"BillingMode": "PROVISIONED"},
    "a name of two letters": {"TableName": "ab"},
    "a name with a space": {"TableName": "two words"},
    "a list as key": {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "L"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    },
}


@check.each(TABLES, "API CreateTable; model: patterns and enumerations")
def table_refuses(c, changed):
    """CreateTable refuses {case}: ValidationException 400."""
    arguments = {
        "TableName": c.name("table"),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
        **changed,
    }
    c.defer(dynamodb(c).delete_table, TableName=arguments["TableName"])
    c.refused(*BAD, c.raw("dynamodb").create_table, **arguments)


@check("API UpdateTable, DeletionProtectionEnabled")
def table_protected_stays(c):
    """A protected table cannot be deleted: ValidationException 400; unprotected it can."""
    client, name = dynamodb(c), table(c, DeletionProtectionEnabled=True)
    c.defer(client.update_table, TableName=name, DeletionProtectionEnabled=False)
    c.refused(*BAD, client.delete_table, says="protected against deletion", TableName=name)
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    active(c, name)
    client.delete_table(TableName=name)


@check("API UpdateTimeToLive, DescribeTimeToLive")
def time_to_live(c):
    """Time to live is disabled at first, can be enabled once, and names its attribute."""
    client, name = dynamodb(c), table(c)
    seen = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    c.equal("at first", seen, {"TimeToLiveStatus": "DISABLED"})
    wanted = {"Enabled": True, "AttributeName": "expires"}
    client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
    seen = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    c.true("enabled or about to be", seen["TimeToLiveStatus"] in ("ENABLED", "ENABLING"), seen)
    c.equal("attribute", seen["AttributeName"], "expires")
    c.refused(*BAD, client.update_time_to_live, TableName=name, TimeToLiveSpecification=wanted)


@check("API UpdateContinuousBackups, DescribeContinuousBackups")
def point_in_time_recovery(c):
    """Point-in-time recovery is off at first, and can be switched on and off."""
    client, name = dynamodb(c), table(c)

    def status():
        seen = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        return seen["ContinuousBackupsStatus"], seen["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]

    c.equal("at first", status(), ("ENABLED", "DISABLED"))
    for enabled, expected in ((True, "ENABLED"), (False, "DISABLED")):
        wanted = {"PointInTimeRecoveryEnabled": enabled}
        client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=wanted)
        c.equal("then", status(), ("ENABLED", expected))


@check("API TagResource, UntagResource, ListTagsOfResource")
def table_tags(c):
    """Tags from creation and later are listed; UntagResource removes them."""
    client, name = dynamodb(c), table(c, Tags=[{"Key": "a", "Value": "1"}])
    arn = f"arn:aws:dynamodb:{c.region}:{c.account}:table/{name}"
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    expected = [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    c.same("tags", client.list_tags_of_resource(ResourceArn=arn)["Tags"], expected)
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    c.same("tags", client.list_tags_of_resource(ResourceArn=arn)["Tags"], expected[1:])
