#!/usr/bin/env python3
"""Lists everything that exists in the services we deploy to, as JSON.

    inventory.py ENDPOINT [REGION]

So that a test asks the cloud what is there and what is left, not our own state. Credentials come
from the environment. Every list is sorted, and empty when there is nothing; what the cloud has
without anybody's doing (AWS's own policies and keys) is left out.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ABSENT = {
    "ResourceNotFoundException",
    "NotFoundException",
    "NoSuchEntity",
    "NoSuchTagSet",
    "NoSuchTagSetError",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchPublicAccessBlockConfiguration",
    "NotFound",
}


def pages(client, operation: str, key: str, **arguments) -> list:
    """All items of a listing, whether or not boto3 has a paginator for it."""
    if client.can_paginate(operation):
        found = client.get_paginator(operation).paginate(**arguments)
        return [item for page in found for item in page.get(key) or []]
    return getattr(client, operation)(**arguments).get(key) or []


def or_none(call, *path, **arguments):
    """What a call answers, or None where it says that there is nothing."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise
    answer.pop("ResponseMetadata", None)
    for key in path:
        answer = answer.get(key)
    return answer


def policy(call, **arguments):
    """A resource policy, parsed."""
    text = or_none(call, "Policy", **arguments)
    return json.loads(text) if text else None


def named(pairs) -> dict:
    """Tags given as a list of pairs."""
    return {pair.get("Key"): pair.get("Value") for pair in pairs or []}


def functions(client) -> list:
    found = []
    for function in pages(client("lambda"), "list_functions", "Functions"):
        name, api = function["FunctionName"], client("lambda")
        aliases = pages(api, "list_aliases", "Aliases", FunctionName=name)
        versions = pages(api, "list_versions_by_function", "Versions", FunctionName=name)
        policies = {"": policy(api.get_policy, FunctionName=name)}
        for alias in aliases:
            policies[alias["Name"]] = policy(api.get_policy, FunctionName=name, Qualifier=alias["Name"])
        found.append(
            {
                "name": name,
                "arn": function["FunctionArn"],
                "role": function.get("Role"),
                "runtime": function.get("Runtime"),
                "memory_mb": function.get("MemorySize"),
                "timeout_seconds": function.get("Timeout"),
                "code_sha256": function.get("CodeSha256"),
                "environment": function.get("Environment", {}).get("Variables", {}),
                "versions": sorted(version["Version"] for version in versions),
                "aliases": {
                    alias["Name"]: {
                        "version": alias["FunctionVersion"],
                        "weights": (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {}),
                    }
                    for alias in aliases
                },
                "policies": {key: value for key, value in policies.items() if value},
                "url": or_none(api.get_function_url_config, "FunctionUrl", FunctionName=name),
                "tags": or_none(api.list_tags, "Tags", Resource=function["FunctionArn"]) or {},
            }
        )
    return found


def roles(client) -> list:
    api, found = client("iam"), []
    for role in pages(api, "list_roles", "Roles"):
        if role["Path"].startswith("/aws-service-role/"):
            continue
        name = role["RoleName"]
        inline = pages(api, "list_role_policies", "PolicyNames", RoleName=name)
        attached = pages(api, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        found.append(
            {
                "name": name,
                "arn": role["Arn"],
                "trust": role["AssumeRolePolicyDocument"],
                "inline": {
                    each: api.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
                    for each in inline
                },
                "attached": sorted(each["PolicyArn"] for each in attached),
                "tags": named(or_none(api.list_role_tags, "Tags", RoleName=name)),
            }
        )
    return found


def policies(client) -> list:
    local = pages(client("iam"), "list_policies", "Policies", Scope="Local")
    return [{"name": each["PolicyName"], "arn": each["Arn"]} for each in local]


def log_groups(client) -> list:
    return [
        {"name": group["logGroupName"], "retention_days": group.get("retentionInDays")}
        for group in pages(client("logs"), "describe_log_groups", "logGroups")
    ]


def http_apis(client) -> list:
    api, found = client("apigatewayv2"), []
    for each in pages(api, "get_apis", "Items"):
        under = {"ApiId": each["ApiId"]}
        integrations = pages(api, "get_integrations", "Items", **under)
        found.append(
            {
                "id": each["ApiId"],
                "name": each["Name"],
                "cors": each.get("CorsConfiguration"),
                "tags": each.get("Tags", {}),
                "routes": sorted(route["RouteKey"] for route in pages(api, "get_routes", "Items", **under)),
                "integrations": sorted(each.get("IntegrationUri") or "" for each in integrations),
                "stages": sorted(stage["StageName"] for stage in pages(api, "get_stages", "Items", **under)),
                "authorizers": sorted(
                    each["Name"] for each in pages(api, "get_authorizers", "Items", **under)
                ),
            }
        )
    return found


def domains(client) -> list:
    return [{"name": each["DomainName"]} for each in pages(client("apigatewayv2"), "get_domain_names", "Items")]


def buckets(client) -> list:
    api, found = client("s3"), []
    for bucket in api.list_buckets().get("Buckets") or []:
        name = bucket["Name"]
        objects = pages(api, "list_objects_v2", "Contents", Bucket=name)
        found.append(
            {
                "name": name,
                "objects": sorted(each["Key"] for each in objects),
                "versioning": or_none(api.get_bucket_versioning, "Status", Bucket=name),
                "policy": policy(api.get_bucket_policy, Bucket=name),
                "tags": named(or_none(api.get_bucket_tagging, "TagSet", Bucket=name)),
            }
        )
    return found


def tables(client) -> list:
    api, found = client("dynamodb"), []
    for name in pages(api, "list_tables", "TableNames"):
        table = api.describe_table(TableName=name)["Table"]
        found.append(
            {
                "name": name,
                "arn": table["TableArn"],
                "status": table["TableStatus"],
                "keys": {each["KeyType"]: each["AttributeName"] for each in table["KeySchema"]},
                "indexes": sorted(each["IndexName"] for each in table.get("GlobalSecondaryIndexes") or []),
                "ttl": or_none(
                    api.describe_time_to_live, "TimeToLiveDescription", "AttributeName", TableName=name
                ),
                "tags": named(or_none(api.list_tags_of_resource, "Tags", ResourceArn=table["TableArn"])),
            }
        )
    return found


def secrets(client) -> list:
    listed = pages(client("secretsmanager"), "list_secrets", "SecretList", IncludePlannedDeletion=True)
    return [
        {
            "name": each["Name"],
            "arn": each["ARN"],
            "scheduled_for_deletion": "DeletedDate" in each,
            "tags": named(each.get("Tags")),
        }
        for each in listed
    ]


def alarms(client) -> list:
    api = client("cloudwatch")
    metric = pages(api, "describe_alarms", "MetricAlarms", AlarmTypes=["MetricAlarm"])
    return [
        {
            "name": each["AlarmName"],
            "metric": each.get("MetricName"),
            "threshold": each.get("Threshold"),
            "actions": sorted(each.get("AlarmActions") or []),
            "tags": named(or_none(api.list_tags_for_resource, "Tags", ResourceARN=each["AlarmArn"])),
        }
        for each in metric
    ]


def dashboards(client) -> list:
    found = pages(client("cloudwatch"), "list_dashboards", "DashboardEntries")
    return [{"name": each["DashboardName"]} for each in found]


def topics(client) -> list:
    found = []
    for each in pages(client("sns"), "list_topics", "Topics"):
        arn = each["TopicArn"]
        tags = or_none(client("sns").list_tags_for_resource, "Tags", ResourceArn=arn)
        found.append({"name": arn.rpartition(":")[2], "arn": arn, "tags": named(tags)})
    return found


def subscriptions(client) -> list:
    return [
        {"name": each["SubscriptionArn"]}
        | {key.lower(): each.get(key) for key in ("TopicArn", "Protocol", "Endpoint")}
        for each in pages(client("sns"), "list_subscriptions", "Subscriptions")
    ]


LISTINGS = [
    functions,
    roles,
    policies,
    log_groups,
    http_apis,
    domains,
    buckets,
    tables,
    secrets,
    alarms,
    dashboards,
    topics,
    subscriptions,
]


def main(endpoint: str, region: str = "us-east-1") -> dict:
    session = boto3.Session(region_name=region)
    config = Config(
        retries={"total_max_attempts": 3},
        s3={"addressing_style": "path"},
        proxies={},
        max_pool_connections=len(LISTINGS),
    )
    services = ("lambda", "iam", "logs", "apigatewayv2", "s3", "dynamodb", "secretsmanager", "cloudwatch", "sns")
    clients = {name: session.client(name, endpoint_url=endpoint, config=config) for name in services}
    with ThreadPoolExecutor(len(LISTINGS)) as pool:
        answers = {each.__name__: pool.submit(each, clients.__getitem__) for each in LISTINGS}
    return {key: sorted(answer.result(), key=lambda each: each["name"]) for key, answer in answers.items()}


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    json.dump(main(*sys.argv[1:]), sys.stdout, default=str)
