"""Lambda versions and aliases."""

import collections
from concurrent.futures import ThreadPoolExecutor

import bootstrap
from judge import Group

check = Group("lambda")

STALE = "00000000-0000-0000-0000-000000000000"
REVISION = "^The Revision Id provided does not match the latest Revision Id"
INVALID = ("InvalidParameterValueException", "ValidationException")


@check("API PublishVersion")
def publish_numbers_from_one(c):
    """Versions are 1, 2, …; the answer is 201 with the version's ARN and description."""
    name = c.function(bootstrap.says("one"))
    client = c.aws("lambda")
    first = client.publish_version(FunctionName=name, Description="the first")
    c.equal("status", first["ResponseMetadata"]["HTTPStatusCode"], 201)
    expected = {"Version": "1", "FunctionArn": c.function_arn(name, "1"), "Description": "the first"}
    c.has("first", first, expected)
    c.equal("second", c.publish(name, bootstrap.says("two")), "2")


@check("API PublishVersion: nothing changed since the last version")
def publish_unchanged_gives_the_same(c):
    """Publishing when nothing changed makes no version and answers with the last one."""
    name, one = c.versions("one")
    c.equal("Version", c.publish(name), one)
    listed = c.aws("lambda").list_versions_by_function(FunctionName=name)["Versions"]
    c.equal("versions", [version["Version"] for version in listed], ["$LATEST", "1"])


@check("API PublishVersion: code and configuration")
def publish_after_a_setting_changed(c):
    """A changed setting is enough for a new version."""
    name, _ = c.versions("one")
    c.aws("lambda").update_function_configuration(FunctionName=name, Timeout=9)
    c.settled(name)
    c.equal("Version", c.publish(name), "2")


@check("guide, Lambda function versions: cannot be changed")
def version_keeps_its_code(c):
    """A published version keeps its code when $LATEST gets another."""
    name, one = c.versions("one")
    c.new_code(name, bootstrap.says("two"))
    c.equal("version 1 answers", c.invoke(name, Qualifier=one)["Payload"], "one")
    c.equal("$LATEST answers", c.invoke(name)["Payload"], "two")


@check("guide, Lambda function versions: cannot be changed")
def version_keeps_its_settings(c):
    """A published version keeps timeout and environment when those of $LATEST change."""
    name = c.function(Timeout=5, Environment={"Variables": {"COLOUR": "blue"}})
    one = c.publish(name)
    client = c.aws("lambda")
    client.update_function_configuration(FunctionName=name, Timeout=6, Environment={"Variables": {}})
    c.settled(name)
    seen = client.get_function_configuration(FunctionName=name, Qualifier=one)
    c.has("version 1", seen, {"Timeout": 5, "Environment": {"Variables": {"COLOUR": "blue"}}, "Version": "1"})


@check("API UpdateFunctionConfiguration: only the unpublished version can be modified")
def version_cannot_be_updated(c):
    """Updating a function by a version's ARN is refused and changes nothing."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    try:
        client.update_function_configuration(FunctionName=f"{name}:{one}", Timeout=9)
    except client.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        c.true("a 4xx status", 400 <= status < 500, status)
    else:
        c.true("the update refused", False)
    c.equal("Timeout", client.get_function_configuration(FunctionName=name, Qualifier=one)["Timeout"], 3)


@check("recorded: test_publish_with_wrong_sha256")
def publish_with_other_hash_is_refused(c):
    """PublishVersion with a CodeSha256 other than the code's is refused."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").publish_version,
        says=r"CodeSHA256 \(somenonexistentsha256\) is different from current CodeSHA256 in \$LATEST",
        FunctionName=c.function(),
        CodeSha256="somenonexistentsha256",
    )


@check("recorded: test_publish_with_wrong_revisionid")
def publish_with_wrong_revision_is_refused(c):
    """PublishVersion with a RevisionId that is not the latest: PreconditionFailedException 412."""
    call = c.aws("lambda").publish_version
    c.refused("PreconditionFailedException", 412, call, says=REVISION, FunctionName=c.function(), RevisionId=STALE)


@check("API PublishVersion, Errors")
def publish_missing_is_not_found(c):
    """PublishVersion of no function: 404."""
    call = c.aws("lambda").publish_version
    c.refused("ResourceNotFoundException", 404, call, says="Function not found", FunctionName=c.name("none"))


@check("API ListVersionsByFunction; recorded")
def versions_are_listed_once(c):
    """ListVersionsByFunction has $LATEST first and then each version once, oldest first."""
    name, *_ = c.versions("one", "two", "three")
    listed = c.aws("lambda").list_versions_by_function(FunctionName=name)["Versions"]
    c.equal("versions", [version["Version"] for version in listed], ["$LATEST", "1", "2", "3"])
    arns = [c.function_arn(name, version) for version in ("$LATEST", "1", "2", "3")]
    c.equal("ARNs", [version["FunctionArn"] for version in listed], arns)


@check("API ListVersionsByFunction, MaxItems")
def versions_page(c):
    """ListVersionsByFunction pages."""
    name, *_ = c.versions("one", "two")
    paginator = c.aws("lambda").get_paginator("list_versions_by_function")
    pages = list(paginator.paginate(FunctionName=name, PaginationConfig={"PageSize": 1}))
    seen = [version["Version"] for page in pages for version in page["Versions"]]
    c.equal("versions", seen, ["$LATEST", "1", "2"])
    c.true("more than one page", len(pages) > 1, len(pages))


@check("botocore waiters-2: PublishedVersionActive")
def version_waiter_ends(c):
    """boto3's waiter for a published version ends."""
    name, one = c.versions("one")
    waiter = c.aws("lambda").get_waiter("published_version_active")
    waiter.wait(FunctionName=name, Qualifier=one, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@check("API DeleteFunction, Qualifier")
def version_is_deleted_alone(c):
    """DeleteFunction with a qualifier deletes that version and nothing else."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    client.delete_function(FunctionName=name, Qualifier=one)
    c.refused("ResourceNotFoundException", 404, client.get_function, FunctionName=name, Qualifier=one)
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    c.equal("versions", [version["Version"] for version in listed], ["$LATEST", two])
    c.equal("$LATEST answers", c.invoke(name)["Payload"], "two")


@check("API DeleteFunction, ResourceConflictException")
def version_with_alias_cannot_be_deleted(c):
    """A version that an alias points at cannot be deleted: ResourceConflictException 409."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    c.refused("ResourceConflictException", 409, client.delete_function, FunctionName=name, Qualifier=one)
    c.equal("it is still there", c.invoke(name, Qualifier=one)["Payload"], "one")


@check("API DeleteFunction, ResourceConflictException")
def version_with_weight_cannot_be_deleted(c):
    """Neither can the version that an alias sends a part of its traffic to."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    routing = {"AdditionalVersionWeights": {two: 0.1}}
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one, RoutingConfig=routing)
    c.refused("ResourceConflictException", 409, client.delete_function, FunctionName=name, Qualifier=two)


@check("guide, Lambda function versions: numbers are never reused")
def version_numbers_are_not_reused(c):
    """A deleted version's number is not given again."""
    name, one, two = c.versions("one", "two")
    c.aws("lambda").delete_function(FunctionName=name, Qualifier=two)
    c.equal("Version", c.publish(name, bootstrap.says("three")), "3")


@check("API CreateAlias, GetAlias; recorded: test_alias_lifecycle")
def alias_is_made_and_read(c):
    """CreateAlias answers 201 with ARN and RevisionId, and GetAlias reads it."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    made = client.create_alias(FunctionName=name, Name="live", FunctionVersion=one, Description="for all")
    c.equal("status", made["ResponseMetadata"]["HTTPStatusCode"], 201)
    expected = {
        "AliasArn": c.function_arn(name, "live"),
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "for all",
        "RevisionId": made["RevisionId"],
    }
    c.has("GetAlias", client.get_alias(FunctionName=name, Name="live"), expected)
    seen = client.get_function_configuration(FunctionName=name, Qualifier="live")
    c.has("GetFunctionConfiguration", seen, {"Version": "1", "FunctionArn": c.function_arn(name, "live")})


@check("recorded: test_notfound_and_invalid_routingconfigs")
def alias_to_missing_version_is_not_found(c):
    """CreateAlias and UpdateAlias to a version that is not there: 404 ResourceNotFoundException."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    arguments = {"FunctionName": name, "Name": "live", "FunctionVersion": "10"}
    says = f"Function not found: {c.function_arn(name, '10')}"
    c.refused("ResourceNotFoundException", 404, client.create_alias, says=says, **arguments)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    c.refused("ResourceNotFoundException", 404, client.update_alias, says=says, **arguments)


@check("recorded: test_notfound_and_invalid_routingconfigs")
def alias_again_conflicts(c):
    """An alias name that is taken: ResourceConflictException 409 'Alias already exists'."""
    name, one = c.versions("one")
    arguments = {"FunctionName": name, "Name": "live", "FunctionVersion": one}
    c.aws("lambda").create_alias(**arguments)
    says = f"Alias already exists: {c.function_arn(name, 'live')}"
    c.refused("ResourceConflictException", 409, c.aws("lambda").create_alias, says=says, **arguments)


@check("recorded: test_alias_naming")
def alias_cannot_be_a_number(c):
    """An alias cannot be called by a number alone."""
    name, one = c.versions("one")
    call = c.aws("lambda").create_alias
    says = "'2024' at 'name' failed to satisfy constraint"
    c.refused("ValidationException", 400, call, says=says, FunctionName=name, Name="2024", FunctionVersion=one)


@check("recorded: test_notfound_and_invalid_routingconfigs, test_non_existent_alias_update")
def alias_missing_is_not_found(c):
    """GetAlias and UpdateAlias of none: 404 with the ARN."""
    name = c.echo()
    client, arn = c.aws("lambda"), c.function_arn(name, "none")
    says = f"Cannot find alias arn: {arn}"
    c.refused("ResourceNotFoundException", 404, client.get_alias, says=says, FunctionName=name, Name="none")
    says = f"Alias not found: {arn}"
    call = client.update_alias
    c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=name, Name="none", Description="x")


@check("API UpdateAlias; recorded: test_function_revisions_version_and_alias")
def alias_moves(c):
    """UpdateAlias points the alias elsewhere, keeps what it is not given, and changes its RevisionId."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    made = client.create_alias(FunctionName=name, Name="live", FunctionVersion=one, Description="for all")
    c.equal("answer before", c.invoke(name, Qualifier="live")["Payload"], "one")
    moved = client.update_alias(FunctionName=name, Name="live", FunctionVersion=two)
    c.has("UpdateAlias", moved, {"FunctionVersion": two, "Description": "for all"})
    c.true("another RevisionId", moved["RevisionId"] != made["RevisionId"])
    c.equal("answer after", c.invoke(name, Qualifier="live")["Payload"], "two")


@check("recorded: test_function_revisions_version_and_alias")
def alias_with_wrong_revision_is_refused(c):
    """UpdateAlias with an old RevisionId: PreconditionFailedException 412, and nothing moves."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    old = client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)["RevisionId"]
    client.update_alias(FunctionName=name, Name="live", Description="changed", RevisionId=old)
    arguments = {"FunctionName": name, "Name": "live", "FunctionVersion": two, "RevisionId": old}
    c.refused("PreconditionFailedException", 412, client.update_alias, says=REVISION, **arguments)
    c.equal("FunctionVersion", client.get_alias(FunctionName=name, Name="live")["FunctionVersion"], one)


@check("API ListAliases, FunctionVersion")
def aliases_are_listed(c):
    """ListAliases lists them by name, pages, and can be kept to one version's."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    for alias, version in (("blue", one), ("green", two), ("live", one)):
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
    pages = client.get_paginator("list_aliases").paginate(FunctionName=name, PaginationConfig={"PageSize": 2})
    c.same("all", [a["Name"] for page in pages for a in page["Aliases"]], ["blue", "green", "live"])
    kept = client.list_aliases(FunctionName=name, FunctionVersion=one)["Aliases"]
    c.same("those of version 1", [alias["Name"] for alias in kept], ["blue", "live"])


@check("API DeleteAlias")
def alias_is_deleted(c):
    """DeleteAlias answers 204, removes the alias and leaves the version."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    answer = client.delete_alias(FunctionName=name, Name="live")
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    c.refused("ResourceNotFoundException", 404, client.get_alias, FunctionName=name, Name="live")
    c.equal("answer", c.invoke(name, Qualifier=one)["Payload"], "one")


ROUTING = {
    "two more versions": ("1", {"2": 0.1, "3": 0.1}, "cannot be greater than 1"),
    "a weight over 1": ("1", {"2": 2.0}, "routingConfig.additionalVersionWeights"),
    "a weight below 0": ("1", {"2": -1.0}, "routingConfig.additionalVersionWeights"),
    "the alias's own version": ("1", {"1": 0.5}, "already included in routing configuration"),
    "latest as the alias's version": ("$LATEST", {"1": 0.5}, "not supported for an alias pointing to more than 1"),
    "latest as the other version": ("1", {"$LATEST": 0.5}, "routingConfig.additionalVersionWeights"),
}


@check.each(ROUTING, "recorded: test_notfound_and_invalid_routingconfigs")
def routing_refuses(c, case):
    """An alias's routing refuses {case}."""
    version, weights, says = case
    name, *_ = c.versions("one", "two", "three")
    c.refused(
        INVALID,
        400,
        c.raw("lambda").create_alias,
        says=says,
        FunctionName=name,
        Name="live",
        FunctionVersion=version,
        RoutingConfig={"AdditionalVersionWeights": weights},
    )


@check("recorded: test_notfound_and_invalid_routingconfigs")
def routing_to_missing_version_is_not_found(c):
    """A weight for a version that is not there: 404 ResourceNotFoundException."""
    name, one = c.versions("one")
    c.refused(
        "ResourceNotFoundException",
        404,
        c.aws("lambda").create_alias,
        FunctionName=name,
        Name="live",
        FunctionVersion=one,
        RoutingConfig={"AdditionalVersionWeights": {"10": 0.5}},
    )


@check("API UpdateAlias, RoutingConfig; guide, Implement Lambda canary deployments")
def routing_stays_until_cleared(c):
    """A weight stays when UpdateAlias does not speak of it, and goes with an empty one."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    routing = {"AdditionalVersionWeights": {two: 0.25}}
    made = client.create_alias(FunctionName=name, Name="live", FunctionVersion=one, RoutingConfig=routing)
    c.equal("RoutingConfig", made.get("RoutingConfig"), routing)
    seen = client.update_alias(FunctionName=name, Name="live", Description="changed")
    c.equal("RoutingConfig", seen.get("RoutingConfig"), routing)
    seen = client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    c.true("no weights left", not (seen.get("RoutingConfig") or {}).get("AdditionalVersionWeights"), seen)


def split(c, name: str, invokes: int) -> collections.Counter:
    """Which versions answered, by what they said and by the header that names them."""

    def once(_):
        answer = c.invoke(name, Qualifier="live")
        return answer["Payload"], answer.get("ExecutedVersion")

    with ThreadPoolExecutor(4) as pool:
        return collections.Counter(pool.map(once, range(invokes)))


@check("guide, Lambda alias routing: weights are probabilities", slow=True)
def routing_splits_the_traffic(c):
    """Of 200 invokes of an alias with a weight of 0.5 about half reach each version."""
    name, one, two = c.versions("one", "two")
    routing = {"AdditionalVersionWeights": {two: 0.5}}
    c.aws("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion=one, RoutingConfig=routing)
    seen = split(c, name, 200)
    c.same("who answered, with ExecutedVersion", seen, [("one", one), ("two", two)])
    # Six standard deviations, so chance fails this once in 500 million runs.
    c.true("about half each", 58 <= seen[("two", two)] <= 142, dict(seen))


@check("guide, Lambda alias routing", slow=True)
def routing_weights_at_the_ends(c):
    """A weight of 0 sends nothing to the other version, a weight of 1 everything."""
    name, one, two = c.versions("one", "two")
    client = c.aws("lambda")
    routing = {"AdditionalVersionWeights": {two: 0.0}}
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one, RoutingConfig=routing)
    c.same("with 0", split(c, name, 10), [("one", one)])
    client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {two: 1.0}})
    c.same("with 1", split(c, name, 10), [("two", two)])
