"""KMS, as far as sealing things needs it."""

from judge import Group

check = Group("kms")

GONE = ("NotFoundException", 400)
BAD = ("ValidationException", 400)


def key(c, **more) -> str:
    made = c.aws("kms").create_key(**more)["KeyMetadata"]["KeyId"]
    c.defer(c.aws("kms").schedule_key_deletion, KeyId=made, PendingWindowInDays=7)
    return made


@check("API CreateKey, DescribeKey")
def key_is_made_and_described(c):
    """A key is symmetric, enabled and ours, and found by id and ARN."""
    made = key(c, Description="for tests")
    arn = f"arn:aws:kms:{c.region}:{c.account}:key/{made}"
    expected = {
        "KeyId": made,
        "Arn": arn,
        "Enabled": True,
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyManager": "CUSTOMER",
        "Origin": "AWS_KMS",
        "Description": "for tests",
        "MultiRegion": False,
    }
    for name in (made, arn):
        c.has("key", c.aws("kms").describe_key(KeyId=name)["KeyMetadata"], expected)


@check("recorded: test_get_key_does_not_exist, test_get_key_invalid_uuid")
def key_missing(c):
    """A key that is not there, or an id that is none: NotFoundException 400."""
    call = c.aws("kms").describe_key
    c.refused(*GONE, call, says="does not exist", KeyId="134f2428-cec1-4b25-a1ae-9048164dba47")
    c.refused(*GONE, call, says="Invalid keyId 'fake-key-id'", KeyId="fake-key-id")


@check("API Encrypt, Decrypt")
def bytes_go_there_and_back(c):
    """What Encrypt seals, Decrypt opens without being told the key."""
    kms, made = c.aws("kms"), key(c)
    sealed = kms.encrypt(KeyId=made, Plaintext=b"secret")
    arn = f"arn:aws:kms:{c.region}:{c.account}:key/{made}"
    c.equal("KeyId", sealed["KeyId"], arn)
    c.true("sealed", b"secret" not in sealed["CiphertextBlob"])
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])
    c.equal("opened", (opened["Plaintext"], opened["KeyId"]), (b"secret", arn))


@check("recorded: test_encrypt_decrypt_encryption_context")
def context_has_to_agree(c):
    """Another encryption context, or changed bytes: InvalidCiphertextException 400."""
    kms, context = c.aws("kms"), {"of": "tests"}
    sealed = kms.encrypt(KeyId=key(c), Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    c.equal("opened", kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"], b"secret")
    c.refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=sealed)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    arguments = {"CiphertextBlob": changed, "EncryptionContext": context}
    c.refused("InvalidCiphertextException", 400, kms.decrypt, **arguments)


@check("recorded: test_plaintext_size_for_encrypt")
def text_over_four_kilobytes_is_refused(c):
    """More than 4,096 bytes: ValidationException 400."""
    c.refused(*BAD, c.aws("kms").encrypt, says="4096", KeyId=key(c), Plaintext=b"x" * 4097)


@check("API CreateAlias, UpdateAlias, ListAliases, DeleteAlias; recorded: test_create_alias")
def alias_points_at_a_key(c):
    """An alias can be used for its key, moved, and deleted; a taken name and one without prefix are refused."""
    kms, one, two = c.aws("kms"), key(c), key(c)
    name = f"alias/{c.name('alias')}"
    kms.create_alias(AliasName=name, TargetKeyId=one)
    c.defer(kms.delete_alias, AliasName=name)
    c.refused("AlreadyExistsException", 400, kms.create_alias, AliasName=name, TargetKeyId=two)
    says = 'Alias must start with the prefix "alias/"'
    c.refused(*BAD, kms.create_alias, says=says, AliasName="none", TargetKeyId=one)
    sealed = kms.encrypt(KeyId=name, Plaintext=b"x")
    c.true("sealed by its key", sealed["KeyId"].endswith(one), sealed["KeyId"])
    kms.update_alias(AliasName=name, TargetKeyId=two)
    c.equal("moved", kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"], two)
    c.equal("listed", [alias["AliasName"] for alias in kms.list_aliases(KeyId=two)["Aliases"]], [name])
    kms.delete_alias(AliasName=name)
    c.refused(*GONE, kms.describe_key, KeyId=name)


@check("API DisableKey, EnableKey, DisabledException")
def key_can_be_disabled(c):
    """A disabled key does nothing: DisabledException 400; enabled again, it does."""
    kms, made = c.aws("kms"), key(c)
    kms.disable_key(KeyId=made)
    c.has("key", kms.describe_key(KeyId=made)["KeyMetadata"], {"Enabled": False, "KeyState": "Disabled"})
    c.refused("DisabledException", 400, kms.encrypt, says="is disabled", KeyId=made, Plaintext=b"x")
    kms.enable_key(KeyId=made)
    kms.encrypt(KeyId=made, Plaintext=b"x")


@check("API ScheduleKeyDeletion, CancelKeyDeletion, KMSInvalidStateException")
def key_waits_for_its_deletion(c):
    """A key to be deleted does nothing: KMSInvalidStateException 400; cancelled, it is disabled."""
    kms, made = c.aws("kms"), key(c)
    answer = kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
    c.equal("state", answer.get("KeyState"), "PendingDeletion")
    c.refused("KMSInvalidStateException", 400, kms.encrypt, says="pending deletion", KeyId=made, Plaintext=b"x")
    kms.cancel_key_deletion(KeyId=made)
    c.equal("state", kms.describe_key(KeyId=made)["KeyMetadata"]["KeyState"], "Disabled")


@check.each({"6 days": 6, "31 days": 31}, "API ScheduleKeyDeletion, PendingWindowInDays: 7 to 30")
def deletion_refuses(c, days):
    """A waiting time of {case} is refused: ValidationException 400."""
    c.refused(*BAD, c.raw("kms").schedule_key_deletion, KeyId=key(c), PendingWindowInDays=days)


@check("API GenerateDataKey")
def data_key(c):
    """GenerateDataKey gives a key of the size asked for, open and sealed."""
    kms = c.aws("kms")
    seen = kms.generate_data_key(KeyId=key(c), KeySpec="AES_256")
    c.equal("bytes", len(seen["Plaintext"]), 32)
    c.equal("opened", kms.decrypt(CiphertextBlob=seen["CiphertextBlob"])["Plaintext"], seen["Plaintext"])


@check("API TagResource, UntagResource, ListResourceTags")
def key_tags(c):
    """Tags from creation and later are listed; UntagResource removes them."""
    kms, made = c.aws("kms"), key(c, Tags=[{"TagKey": "a", "TagValue": "1"}])
    kms.tag_resource(KeyId=made, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": "3"}])
    expected = [{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": "3"}]
    c.same("tags", kms.list_resource_tags(KeyId=made)["Tags"], expected)
    kms.untag_resource(KeyId=made, TagKeys=["a"])
    c.same("tags", kms.list_resource_tags(KeyId=made)["Tags"], expected[1:])


@check("API EnableKeyRotation, GetKeyRotationStatus")
def rotation_is_switched(c):
    """Rotation is off at first, and can be switched on."""
    kms, made = c.aws("kms"), key(c)
    c.equal("at first", kms.get_key_rotation_status(KeyId=made)["KeyRotationEnabled"], False)
    kms.enable_key_rotation(KeyId=made)
    c.equal("then", kms.get_key_rotation_status(KeyId=made)["KeyRotationEnabled"], True)
