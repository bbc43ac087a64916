"""IAM roles and policies, as far as functions need them."""

import json

from judge import Group
from world import BASIC_EXECUTION, LAMBDA_TRUST

check = Group("iam")

LOGS = {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "*"}
ASSUME = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def document(*statements, version="2012-10-17", **more) -> str:
    return json.dumps({"Version": version, "Statement": list(statements), **more})


@check("API CreateRole, GetRole")
def role_is_made_and_read(c):
    """CreateRole gives ARN, id and creation date; GetRole has all of it, with the trust policy as given."""
    name = c.name("role")
    role = c.make_role(RoleName=name, Description="for tests", Path="/bhv/", Tags=[{"Key": "a", "Value": "b"}])
    c.has("CreateRole", role, {"RoleName": name, "Path": "/bhv/", "Arn": f"arn:aws:iam::{c.account}:role/bhv/{name}"})
    c.matches("RoleId", role["RoleId"], "^AROA[A-Z0-9]{12,}$")
    seen = c.aws("iam").get_role(RoleName=name)["Role"]
    expected = {
        "RoleId": role["RoleId"],
        "Description": "for tests",
        "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": json.loads(LAMBDA_TRUST),
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    c.has("GetRole", seen, expected)


@check("API CreateRole, EntityAlreadyExists")
def role_again_exists(c):
    """A role name that is taken: EntityAlreadyExists 409."""
    name = c.make_role()["RoleName"]
    says = f"Role with name {name} already exists"
    c.refused("EntityAlreadyExists", 409, c.make_role, says=says, RoleName=name)


@check("API CreateRole: names are unique without regard to case")
def role_name_ignores_case(c):
    """A role name that differs in case alone is taken too."""
    name = c.make_role()["RoleName"]
    c.refused("EntityAlreadyExists", 409, c.make_role, RoleName=name.upper())


@check("API GetRole, NoSuchEntity; seen: 'The role with name X cannot be found.'")
def role_missing(c):
    """GetRole and every change of a role that is not there: NoSuchEntity 404."""
    iam, name = c.aws("iam"), c.name("none")
    says = f"The role with name {name} cannot be found"
    calls = (
        (iam.get_role, {}),
        (iam.delete_role, {}),
        (iam.update_role, {"Description": "x"}),
        (iam.update_assume_role_policy, {"PolicyDocument": LAMBDA_TRUST}),
        (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": document(LOGS)}),
        (iam.attach_role_policy, {"PolicyArn": BASIC_EXECUTION}),
        (iam.list_role_policies, {}),
        (iam.list_attached_role_policies, {}),
        (iam.list_role_tags, {}),
        (iam.tag_role, {"Tags": [{"Key": "a", "Value": "b"}]}),
    )
    for call, more in calls:
        c.refused("NoSuchEntity", 404, call, says=says, RoleName=name, **more)


TRUST = {
    "is not JSON": "{",
    "is empty JSON": "{}",
    "has no principal": document({"Effect": "Allow", "Action": "sts:AssumeRole"}),
    "has a resource": document({**ASSUME, "Resource": "*"}),
    "has no action": document({key: ASSUME[key] for key in ("Effect", "Principal")}),
    "has an unknown effect": document({**ASSUME, "Effect": "Maybe"}),
    "has another service's action": document({**ASSUME, "Action": "s3:GetObject"}),
    "has an unknown version": document(ASSUME, version="2015-01-01"),
    "has an unknown element": document({**ASSUME, "Colour": "blue"}),
    "trusts an unknown kind of principal": document({**ASSUME, "Principal": {"Robot": "x"}}),
    "is a list": json.dumps([ASSUME]),
}


@check.each(TRUST, "guide, IAM JSON policy grammar; API CreateRole, MalformedPolicyDocument; recorded")
def trust_policy_that(c, text):
    """A trust policy that {case} is refused: MalformedPolicyDocument 400, and no role is made."""
    name = c.name("role")
    c.refused("MalformedPolicyDocument", 400, c.make_role, RoleName=name, trust=text)
    c.refused("NoSuchEntity", 404, c.aws("iam").get_role, RoleName=name)


POLICIES = {
    "is not JSON": "no json",
    "has no statement": json.dumps({"Version": "2012-10-17"}),
    "has a principal": document({**LOGS, "Principal": "*"}),
    "has no resource": document({"Effect": "Allow", "Action": "logs:*"}),
    "has no action": document({"Effect": "Allow", "Resource": "*"}),
    "has no effect": document({"Action": "logs:*", "Resource": "*"}),
    "has an action without service": document({**LOGS, "Action": "CreateLogGroup"}),
    "has a resource that is no ARN": document({**LOGS, "Resource": "my-bucket"}),
    "has both action and not-action": document({**LOGS, "NotAction": "s3:*"}),
    "uses a statement id twice": document({**LOGS, "Sid": "a"}, {**LOGS, "Sid": "a"}),
    "has a statement id with a dash": document({**LOGS, "Sid": "not-a-word"}),
    "has an unknown condition operator": document({**LOGS, "Condition": {"StringSounds": {"a:b": "c"}}}),
}


@check.each(POLICIES, "guide, IAM JSON policy grammar; API PutRolePolicy, MalformedPolicyDocument")
def inline_policy_that(c, text):
    """An inline policy that {case} is refused: MalformedPolicyDocument 400."""
    name = c.make_role()["RoleName"]
    iam = c.aws("iam")
    c.defer(iam.delete_role_policy, RoleName=name, PolicyName="p")
    call = iam.put_role_policy
    c.refused("MalformedPolicyDocument", 400, call, RoleName=name, PolicyName="p", PolicyDocument=text)


@check("guide, IAM JSON policy grammar")
def policies_take_every_lawful_form(c):
    """Single values for lists, one statement without a list, NotAction, wildcards and conditions are lawful."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    c.defer(iam.delete_role_policy, RoleName=name, PolicyName="p")
    forms = (
        {"Statement": LOGS},
        {"Id": "x", "Statement": [LOGS]},
        {"Statement": [{"Effect": "Deny", "NotAction": ["s3:*"], "NotResource": "arn:aws:s3:::a/*"}]},
        {"Statement": [{**LOGS, "Condition": {"StringEquals": {"aws:RequestedRegion": ["a", "b"]}}}]},
        {"Statement": [{**LOGS, "Condition": {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": "a*"}}}]},
        {"Statement": [{**LOGS, "Action": ["logs:Create*", "*"]}]},
    )
    for form in forms:
        form["Version"] = "2012-10-17"
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(form))
        c.equal("policy", iam.get_role_policy(RoleName=name, PolicyName="p")["PolicyDocument"], form)


@check("API UpdateAssumeRolePolicy")
def trust_policy_is_replaced(c):
    """UpdateAssumeRolePolicy replaces the trust policy, and refuses a malformed one."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    changed = {"Version": "2012-10-17", "Statement": [{**ASSUME, "Principal": {"Service": "ec2.amazonaws.com"}}]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(changed))
    c.equal("trust", iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"], changed)
    c.refused("MalformedPolicyDocument", 400, iam.update_assume_role_policy, RoleName=name, PolicyDocument="{")
    c.equal("trust", iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"], changed)


@check("API UpdateRole")
def role_is_updated(c):
    """UpdateRole sets description and session duration, the description also to nothing."""
    iam, name = c.aws("iam"), c.make_role(Description="before")["RoleName"]
    iam.update_role(RoleName=name, Description="after", MaxSessionDuration=7200)
    c.has("role", iam.get_role(RoleName=name)["Role"], {"Description": "after", "MaxSessionDuration": 7200})
    iam.update_role(RoleName=name, Description="")
    c.true("no description", not iam.get_role(RoleName=name)["Role"].get("Description"))


NAMES = {"has a space": "two words", "has a slash": "a/b", "has 65 characters": "n" * 65, "is empty": ""}


@check.each(NAMES, "model CreateRole: roleNameType; seen: 'The specified value for roleName is invalid.'")
def role_name_that(c, name):
    """A role name that {case} is refused: ValidationError 400."""
    call = c.raw("iam").create_role
    c.defer(c.raw("iam").delete_role, RoleName=name)
    c.refused("ValidationError", 400, call, says="roleName", RoleName=name, AssumeRolePolicyDocument=LAMBDA_TRUST)


@check("model CreateRole: pathType")
def role_path_must_have_slashes(c):
    """A path without slashes at its ends is refused: ValidationError 400."""
    c.refused("ValidationError", 400, c.make_role, Path="no-slashes")


@check.each({"below an hour": 3599, "over twelve hours": 43201}, "model CreateRole: roleMaxSessionDurationType")
def role_session_duration(c, seconds):
    """A session duration {case} is refused: ValidationError 400."""
    role = {"RoleName": c.name("role"), "AssumeRolePolicyDocument": LAMBDA_TRUST, "MaxSessionDuration": seconds}
    c.defer(c.aws("iam").delete_role, RoleName=role["RoleName"])
    c.refused("ValidationError", 400, c.raw("iam").create_role, says="axSessionDuration", **role)


@check("API TagRole, UntagRole, ListRoleTags")
def role_tags(c):
    """Tags are added and replaced by key, and removed."""
    iam, name = c.aws("iam"), c.make_role(Tags=[{"Key": "a", "Value": "1"}])["RoleName"]
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    expected = [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    c.same("tags", iam.list_role_tags(RoleName=name)["Tags"], expected)
    iam.untag_role(RoleName=name, TagKeys=["a", "nobody-has-it"])
    c.same("tags", iam.list_role_tags(RoleName=name)["Tags"], expected[1:])


@check("API TagRole, InvalidInput: duplicate tag keys")
def role_tag_twice_is_refused(c):
    """The same tag key twice in one request: InvalidInput 400."""
    tags = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    c.refused("InvalidInput", 400, c.aws("iam").tag_role, RoleName=c.make_role()["RoleName"], Tags=tags)


@check("API PutRolePolicy, GetRolePolicy, ListRolePolicies, DeleteRolePolicy")
def inline_policies(c):
    """Inline policies are put, replaced, read as JSON, listed by name and deleted."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    for policy in ("one", "two"):
        c.defer(iam.delete_role_policy, RoleName=name, PolicyName=policy)
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document(LOGS))
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=document({**LOGS, "Effect": "Deny"}))
    seen = iam.get_role_policy(RoleName=name, PolicyName="one")
    expected = {
        "RoleName": name,
        "PolicyName": "one",
        "PolicyDocument": json.loads(document({**LOGS, "Effect": "Deny"})),
    }
    c.has("GetRolePolicy", seen, expected)
    c.equal("names", iam.list_role_policies(RoleName=name)["PolicyNames"], ["one", "two"])
    iam.delete_role_policy(RoleName=name, PolicyName="one")
    c.equal("names", iam.list_role_policies(RoleName=name)["PolicyNames"], ["two"])


@check("API GetRolePolicy, NoSuchEntity; seen: 'The role policy with name X cannot be found.'")
def inline_policy_missing(c):
    """An inline policy that is not there: NoSuchEntity 404."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    says = "The role policy with name none cannot be found"
    for call in (iam.get_role_policy, iam.delete_role_policy):
        c.refused("NoSuchEntity", 404, call, says=says, RoleName=name, PolicyName="none")


@check("guide, IAM quotas: 10,240 characters of inline policies; API PutRolePolicy, LimitExceeded")
def inline_policies_have_a_limit(c):
    """Inline policies over 10,240 characters together: LimitExceeded 409."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    c.defer(iam.delete_role_policy, RoleName=name, PolicyName="p")
    long = document({**LOGS, "Resource": [f"arn:aws:s3:::bucket-{number:0>50}" for number in range(200)]})
    call = iam.put_role_policy
    c.refused("LimitExceeded", 409, call, says="10240", RoleName=name, PolicyName="p", PolicyDocument=long)


@check("API DeleteRole, DeleteConflict; seen: 'Cannot delete entity, must delete policies first.'")
def role_with_inline_policy_stays(c):
    """A role with an inline policy cannot be deleted: DeleteConflict 409."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(LOGS))
    c.defer(iam.delete_role_policy, RoleName=name, PolicyName="p")
    c.refused("DeleteConflict", 409, iam.delete_role, says="must delete policies first", RoleName=name)
    iam.get_role(RoleName=name)


@check("API DeleteRole, DeleteConflict; seen: 'Cannot delete entity, must detach all policies first.'")
def role_with_attached_policy_stays(c):
    """A role with an attached policy cannot be deleted: DeleteConflict 409; detached, it can."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    c.defer(iam.detach_role_policy, RoleName=name, PolicyArn=BASIC_EXECUTION)
    c.refused("DeleteConflict", 409, iam.delete_role, says="must detach all policies first", RoleName=name)
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    iam.delete_role(RoleName=name)
    c.refused("NoSuchEntity", 404, iam.get_role, RoleName=name)


@check("API AttachRolePolicy, DetachRolePolicy, ListAttachedRolePolicies")
def attached_policies(c):
    """Attaching twice is one attachment; detaching what is not attached: NoSuchEntity 404."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    for _ in range(2):
        iam.attach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    expected = [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC_EXECUTION}]
    c.equal("attached", iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"], expected)
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC_EXECUTION)
    c.equal("attached", iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"], [])
    c.refused("NoSuchEntity", 404, iam.detach_role_policy, RoleName=name, PolicyArn=BASIC_EXECUTION)


@check("recorded: test_role_attach_policy")
def attaching_a_missing_policy(c):
    """Attaching a policy that is not there: NoSuchEntity 404; something that is no ARN: ValidationError 400."""
    iam, name = c.aws("iam"), c.make_role()["RoleName"]
    arn = f"arn:aws:iam::{c.account}:policy/{c.name('none')}"
    says = "does not exist or is not attachable"
    c.refused("NoSuchEntity", 404, iam.attach_role_policy, says=says, RoleName=name, PolicyArn=arn)
    c.defer(iam.detach_role_policy, RoleName=name, PolicyArn=arn)
    says = "Invalid ARN"
    c.refused(
        "ValidationError", 400, iam.attach_role_policy, says=says, RoleName=name, PolicyArn="longpolicynamebutnoarn"
    )


MANAGED = {
    "AWSLambdaBasicExecutionRole": ("service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents"),
    "AWSLambdaVPCAccessExecutionRole": ("service-role/AWSLambdaVPCAccessExecutionRole", "ec2:CreateNetworkInterface"),
    "AWSXRayDaemonWriteAccess": ("AWSXRayDaemonWriteAccess", "xray:PutTraceSegments"),
    "CloudWatchLambdaInsightsExecutionRolePolicy": ("CloudWatchLambdaInsightsExecutionRolePolicy", "logs:PutLogEvents"),
    "AdministratorAccess": ("AdministratorAccess", "*"),
}


@check.each(MANAGED, "AWS Managed Policy Reference Guide")
def managed_policy(c, case):
    """AWS's policy {case} is there, with its document."""
    path, action = case
    iam, arn = c.aws("iam"), f"arn:aws:iam::aws:policy/{path}"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    c.has("GetPolicy", policy, {"Arn": arn, "PolicyName": path.split("/")[-1], "IsAttachable": True})
    found = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    actions = []
    for statement in found["Document"]["Statement"]:
        said = statement["Action"]
        actions += [said] if isinstance(said, str) else said
    c.true(f"{action} among its actions", action in actions, actions)


def policy(c, **more) -> str:
    iam = c.aws("iam")
    arguments = {"PolicyName": c.name("policy"), "PolicyDocument": document(LOGS), **more}
    made = iam.create_policy(**arguments)["Policy"]
    c.defer(iam.delete_policy, PolicyArn=made["Arn"])
    return made["Arn"]


@check("API CreatePolicy, GetPolicy; recorded: test_delete_non_existent_policy_returns_no_such_entity")
def policy_is_made_read_deleted(c):
    """A customer policy starts as version v1, is read with its document, and deleted."""
    iam, arn = c.aws("iam"), policy(c, Description="for tests")
    c.matches("ARN", arn, f"^arn:aws:iam::{c.account}:policy/")
    expected = {"DefaultVersionId": "v1", "AttachmentCount": 0, "IsAttachable": True, "Description": "for tests"}
    c.has("GetPolicy", iam.get_policy(PolicyArn=arn)["Policy"], expected)
    seen = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    c.has("version", seen, {"Document": json.loads(document(LOGS)), "IsDefaultVersion": True})
    iam.delete_policy(PolicyArn=arn)
    c.refused("NoSuchEntity", 404, iam.get_policy, PolicyArn=arn)
    c.refused("NoSuchEntity", 404, iam.delete_policy, says="was not found", PolicyArn=arn)


@check("API CreatePolicy, EntityAlreadyExists")
def policy_again_exists(c):
    """A policy name that is taken: EntityAlreadyExists 409."""
    arn = policy(c)
    name = arn.split("/")[-1]
    c.refused("EntityAlreadyExists", 409, c.aws("iam").create_policy, PolicyName=name, PolicyDocument=document(LOGS))


@check("API CreatePolicyVersion, SetDefaultPolicyVersion, DeletePolicyVersion, LimitExceeded, DeleteConflict")
def policy_versions(c):
    """A policy has five versions at most; the default one cannot be deleted, nor a policy with others."""
    iam, arn = c.aws("iam"), policy(c)
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(LOGS), SetAsDefault=number == 2)
        c.has(
            "CreatePolicyVersion", made["PolicyVersion"], {"VersionId": f"v{number}", "IsDefaultVersion": number == 2}
        )
        if number != 2:
            c.defer(iam.delete_policy_version, PolicyArn=arn, VersionId=f"v{number}")
    c.defer(iam.delete_policy_version, PolicyArn=arn, VersionId="v1")
    c.refused("LimitExceeded", 409, iam.create_policy_version, PolicyArn=arn, PolicyDocument=document(LOGS))
    c.equal("default", iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"], "v2")
    c.refused("DeleteConflict", 409, iam.delete_policy_version, PolicyArn=arn, VersionId="v2")
    c.refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    versions = [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]]
    c.same("versions", versions, ["v1", "v2", "v3", "v4"])


@check("API DeletePolicy, DeleteConflict; API GetPolicy, AttachmentCount")
def policy_in_use_stays(c):
    """An attached policy counts its attachments and cannot be deleted: DeleteConflict 409."""
    iam, arn = c.aws("iam"), policy(c)
    name = c.make_role()["RoleName"]
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    c.defer(iam.detach_role_policy, RoleName=name, PolicyArn=arn)
    c.equal("AttachmentCount", iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"], 1)
    c.refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=arn)


@check("API CreatePolicy, MalformedPolicyDocument")
def policy_malformed(c):
    """CreatePolicy checks the document too: MalformedPolicyDocument 400."""
    text = document({"Effect": "Allow", "Action": "logs:*"})
    c.refused("MalformedPolicyDocument", 400, policy, c=c, PolicyDocument=text)


@check("API ListRoles, Marker and PathPrefix")
def roles_page(c):
    """ListRoles pages with Marker and IsTruncated, and can be kept to a path."""
    path = f"/{c.name('path')}/"
    names = {c.make_role(Path=path)["RoleName"] for _ in range(3)}
    iam = c.aws("iam")
    first = iam.list_roles(PathPrefix=path, MaxItems=2)
    c.equal("first page", (len(first["Roles"]), first["IsTruncated"]), (2, True))
    second = iam.list_roles(PathPrefix=path, MaxItems=2, Marker=first["Marker"])
    c.equal("second page", (len(second["Roles"]), second["IsTruncated"]), (1, False))
    c.same("names", [role["RoleName"] for page in (first, second) for role in page["Roles"]], names)


@check("botocore waiters-2: RoleExists, PolicyExists")
def waiters_end(c):
    """boto3's waiters for a role and a policy end."""
    iam = c.aws("iam")
    iam.get_waiter("role_exists").wait(RoleName=c.make_role()["RoleName"])
    iam.get_waiter("policy_exists").wait(PolicyArn=policy(c))
