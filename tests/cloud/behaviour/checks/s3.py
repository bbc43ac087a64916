"""S3: buckets and objects."""

import hashlib
import json

from judge import Group

check = Group("s3")

NO_BUCKET = ("NoSuchBucket", 404)
NO_KEY = ("NoSuchKey", 404)


def bucket(c, **more) -> str:
    s3, name = c.aws("s3"), c.name("bucket")
    if c.region != "us-east-1":
        more.setdefault("CreateBucketConfiguration", {"LocationConstraint": c.region})
    s3.create_bucket(Bucket=name, **more)
    c.defer(s3.delete_bucket, Bucket=name)
    c.defer(empty, c=c, name=name)
    return name


def empty(c, name: str) -> None:
    s3 = c.aws("s3")
    seen = s3.list_object_versions(Bucket=name)
    for item in seen.get("Versions", []) + seen.get("DeleteMarkers", []):
        s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])


def shared(c) -> str:
    """A bucket for checks that keep to keys of their own."""
    return c.world.share("bucket", lambda case: bucket(case))


def stored(c, body=b"hello", **more) -> tuple:
    """The shared bucket and the key of an object in it."""
    name, key = shared(c), c.name("key")
    c.aws("s3").put_object(Bucket=name, Key=key, Body=body, **more)
    return name, key


def versioned(c) -> str:
    name = bucket(c)
    c.aws("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@check("API CreateBucket, HeadBucket, ListBuckets, DeleteBucket")
def bucket_comes_and_goes(c):
    """A bucket is there once made, and with DeleteBucket (204) gone."""
    s3, name = c.aws("s3"), bucket(c)
    s3.head_bucket(Bucket=name)
    c.true("listed", name in [item["Name"] for item in s3.list_buckets()["Buckets"]])
    answer = s3.delete_bucket(Bucket=name)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    c.refused("404", 404, s3.head_bucket, Bucket=name)


@check("API CreateBucket: in us-east-1 making one's own bucket again is no error")
def bucket_again(c):
    """Making one's own bucket again: fine in us-east-1, elsewhere BucketAlreadyOwnedByYou 409."""
    name, call = bucket(c), c.aws("s3").create_bucket
    if c.region == "us-east-1":
        call(Bucket=name)
    else:
        where = {"LocationConstraint": c.region}
        c.refused("BucketAlreadyOwnedByYou", 409, call, Bucket=name, CreateBucketConfiguration=where)


@check.each(
    {
        "two letters": "ab",
        "capital letters": "Bhv-Capital",
        "an underscore": "bhv_underscore",
        "a dash at the end": "bhv-",
    },
    "guide, Bucket naming rules",
)
def bucket_name_with(c, name):
    """A bucket name with {case}: InvalidBucketName 400."""
    c.defer(c.aws("s3").delete_bucket, Bucket=name)
    c.refused("InvalidBucketName", 400, c.raw("s3").create_bucket, Bucket=name)


@check("recorded: test_bucket_versioning_crud and others")
def bucket_missing(c):
    """Everything on a bucket that is not there: NoSuchBucket 404."""
    s3, name = c.aws("s3"), c.name("none")
    calls = (
        (s3.list_objects_v2, {}),
        (s3.get_object, {"Key": "x"}),
        (s3.put_object, {"Key": "x", "Body": b""}),
        (s3.delete_bucket, {}),
        (s3.get_bucket_versioning, {}),
        (s3.get_bucket_tagging, {}),
        (s3.get_bucket_encryption, {}),
        (s3.get_bucket_location, {}),
        (s3.get_public_access_block, {}),
    )
    for call, more in calls:
        c.refused(*NO_BUCKET, call, says="The specified bucket does not exist", Bucket=name, **more)


@check("recorded: test_delete_bucket_with_objects")
def bucket_with_objects_stays(c):
    """A bucket with objects cannot be deleted: BucketNotEmpty 409."""
    s3, name = c.aws("s3"), bucket(c)
    s3.put_object(Bucket=name, Key="x", Body=b"x")
    c.refused("BucketNotEmpty", 409, s3.delete_bucket, says="is not empty", Bucket=name)


@check("recorded: test_delete_versioned_bucket_with_objects")
def bucket_with_versions_stays(c):
    """A bucket with nothing but a delete marker and old versions cannot be deleted: BucketNotEmpty 409."""
    s3, name = c.aws("s3"), versioned(c)
    s3.put_object(Bucket=name, Key="x", Body=b"x")
    s3.delete_object(Bucket=name, Key="x")
    c.refused("BucketNotEmpty", 409, s3.delete_bucket, says="delete all versions", Bucket=name)


@check("guide, Default encryption; recorded: test_s3_default_bucket_encryption")
def bucket_is_encrypted_from_the_start(c):
    """A new bucket encrypts with AES256, and so it tells of objects."""
    s3, name = c.aws("s3"), bucket(c)
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    c.equal("algorithm", rules[0]["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
    answer = s3.put_object(Bucket=name, Key="x", Body=b"x")
    c.equal("of an object", answer.get("ServerSideEncryption"), "AES256")


@check("API PutBucketEncryption, DeleteBucketEncryption")
def bucket_encryption_is_set(c):
    """Encryption by KMS can be set; deleting it goes back to AES256."""
    s3, name = c.aws("s3"), bucket(c)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    read = lambda: s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    c.has("rule", read(), rule)
    s3.delete_bucket_encryption(Bucket=name)
    c.equal("afterwards", read()["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})


BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


@check("guide, Blocking public access: on for new buckets; recorded: test_crud_public_access_block")
def public_access_is_blocked_from_the_start(c):
    """A new bucket blocks all public access; put is kept; deleted: NoSuchPublicAccessBlockConfiguration 404."""
    s3, name = c.aws("s3"), bucket(c)
    read = lambda: s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    c.equal("at first", read(), BLOCK)
    some = {**BLOCK, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=some)
    c.equal("put", read(), some)
    s3.delete_public_access_block(Bucket=name)
    c.refused("NoSuchPublicAccessBlockConfiguration", 404, s3.get_public_access_block, Bucket=name)


@check("recorded: test_bucket_tagging_crud")
def bucket_tags(c):
    """Tags: none is NoSuchTagSet 404; put replaces all; deleted they are none."""
    s3, name = c.aws("s3"), bucket(c)
    c.refused("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=name)
    for tags in ([{"Key": "a", "Value": "1"}], [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
        c.same("tags", s3.get_bucket_tagging(Bucket=name)["TagSet"], tags)
    s3.delete_bucket_tagging(Bucket=name)
    c.refused("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=name)


@check("recorded: test_tagging_validation")
def bucket_tag_twice_is_refused(c):
    """The same tag key twice: InvalidTag 400."""
    tags = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    c.refused("InvalidTag", 400, c.aws("s3").put_bucket_tagging, Bucket=bucket(c), Tagging={"TagSet": tags})


@check("recorded: test_bucket_policy_crud, test_bucket_policy_exc")
def bucket_policy(c):
    """A policy: none is NoSuchBucketPolicy 404; put is kept; no JSON is MalformedPolicy 400."""
    s3, name = c.aws("s3"), bucket(c)
    c.refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=name)
    c.refused("MalformedPolicy", 400, s3.put_bucket_policy, Bucket=name, Policy="no json")
    principal = {"AWS": f"arn:aws:iam::{c.account}:root"}
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    c.equal("policy", json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]), policy)
    s3.delete_bucket_policy(Bucket=name)
    c.refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=name)


NOTHING = {
    "lifecycle": ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
    "CORS": ("get_bucket_cors", "NoSuchCORSConfiguration"),
    "website": ("get_bucket_website", "NoSuchWebsiteConfiguration"),
}


@check.each(NOTHING, "API GetBucketLifecycleConfiguration, GetBucketCors, GetBucketWebsite")
def bucket_without(c, case):
    """A bucket without {case}: 404 with a code of its own."""
    call, code = case
    c.refused(code, 404, getattr(c.aws("s3"), call), Bucket=bucket(c))


@check("guide, Object Ownership: bucket owner enforced; recorded: test_crud_bucket_ownership_controls")
def bucket_owner_owns(c):
    """A new bucket's objects belong to its owner: BucketOwnerEnforced."""
    rules = c.aws("s3").get_bucket_ownership_controls(Bucket=bucket(c))["OwnershipControls"]["Rules"]
    c.equal("rules", rules, [{"ObjectOwnership": "BucketOwnerEnforced"}])


@check("API PutObject, GetObject, HeadObject")
def object_is_put_and_got(c):
    """An object comes back with its bytes, type, metadata and the MD5 as ETag."""
    body = bytes(range(256)) * 10
    name, key = stored(c, body, ContentType="image/png", Metadata={"colour": "blue"}, CacheControl="no-store")
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    expected = {
        "ContentLength": len(body),
        "ContentType": "image/png",
        "Metadata": {"colour": "blue"},
        "CacheControl": "no-store",
        "ETag": etag,
    }
    seen = c.aws("s3").get_object(Bucket=name, Key=key)
    c.has("GetObject", seen, expected)
    c.true("the same bytes", seen["Body"].read() == body)
    c.has("HeadObject", c.aws("s3").head_object(Bucket=name, Key=key), expected)


@check("API PutObject, Content-Type")
def object_type_by_default(c):
    """Without a type an object is binary/octet-stream."""
    name, key = stored(c)
    c.equal("type", c.aws("s3").head_object(Bucket=name, Key=key)["ContentType"], "binary/octet-stream")


@check("API GetObject, HeadObject; recorded: test_delete_object_versioned")
def object_missing(c):
    """A key that is not there: NoSuchKey 404, and for HEAD 404 without a body."""
    s3, name = c.aws("s3"), shared(c)
    c.refused(*NO_KEY, s3.get_object, says="The specified key does not exist", Bucket=name, Key="none")
    c.refused("404", 404, s3.head_object, Bucket=name, Key="none")
    c.refused(*NO_KEY, s3.get_object_tagging, Bucket=name, Key="none")


@check("API DeleteObject: 204 whether or not it is there")
def object_is_deleted(c):
    """DeleteObject answers 204, also for a key that is not there."""
    name, key = stored(c)
    for _ in range(2):
        answer = c.aws("s3").delete_object(Bucket=name, Key=key)
        c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    c.refused(*NO_KEY, c.aws("s3").get_object, Bucket=name, Key=key)


@check("API DeleteObjects")
def objects_are_deleted_together(c):
    """DeleteObjects names each key it deleted, also one that is not there."""
    name, key = stored(c)
    keys = [{"Key": key}, {"Key": "none"}]
    answer = c.aws("s3").delete_objects(Bucket=name, Delete={"Objects": keys})
    c.same("deleted", [item["Key"] for item in answer["Deleted"]], [key, "none"])


@check("guide, Object keys: UTF-8, with slashes and spaces")
def object_keys_can_be_odd(c):
    """Keys with spaces, plus signs, percent signs and letters of any language are kept as they are."""
    s3, name = c.aws("s3"), bucket(c)
    keys = ["a b", "a+b", "a%20b", "grüße/日本", "a//b", "x=1&y=2?z"]
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    for key in keys:
        c.equal(f"body of {key}", s3.get_object(Bucket=name, Key=key)["Body"].read().decode(), key)
    c.same("keys", [item["Key"] for item in s3.list_objects_v2(Bucket=name)["Contents"]], keys)


@check("API GetObject, Range; recorded: test_get_object_range")
def object_ranges(c):
    """A range answers 206 with Content-Range; one behind the end: InvalidRange 416."""
    name, key = stored(c, b"0123456789")
    for asked, text, said in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
    ):
        seen = c.aws("s3").get_object(Bucket=name, Key=key, Range=asked)
        c.equal("status", seen["ResponseMetadata"]["HTTPStatusCode"], 206)
        c.equal(asked, (seen["Body"].read(), seen["ContentRange"]), (text, said))
    c.refused("InvalidRange", 416, c.aws("s3").get_object, Bucket=name, Key=key, Range="bytes=100-200")


@check("recorded: test_s3_get_object_preconditions")
def object_read_on_condition(c):
    """If-None-Match of the object's ETag: 304; If-Match of another: PreconditionFailed 412."""
    name, key = stored(c)
    s3 = c.aws("s3")
    etag = s3.head_object(Bucket=name, Key=key)["ETag"]
    s3.get_object(Bucket=name, Key=key, IfMatch=etag)
    c.refused("304", 304, s3.get_object, Bucket=name, Key=key, IfNoneMatch=etag)
    c.refused("PreconditionFailed", 412, s3.get_object, Bucket=name, Key=key, IfMatch='"other"')


@check("recorded: test_put_object_if_none_match, test_put_object_if_match")
def object_written_on_condition(c):
    """If-None-Match *: only when there is none, else 412; If-Match: only over that one, else 412."""
    name, key = stored(c, b"first")
    s3 = c.aws("s3")
    call = s3.put_object
    c.refused("PreconditionFailed", 412, call, Bucket=name, Key=key, Body=b"x", IfNoneMatch="*")
    s3.put_object(Bucket=name, Key=c.name("new"), Body=b"x", IfNoneMatch="*")
    etag = s3.head_object(Bucket=name, Key=key)["ETag"]
    s3.put_object(Bucket=name, Key=key, Body=b"second", IfMatch=etag)
    c.refused("PreconditionFailed", 412, call, Bucket=name, Key=key, Body=b"third", IfMatch=etag)
    c.equal("body", s3.get_object(Bucket=name, Key=key)["Body"].read(), b"second")


@check("API CopyObject")
def object_is_copied(c):
    """CopyObject copies bytes and metadata, or replaces the metadata."""
    name, key = stored(c, b"copy me", Metadata={"colour": "blue"})
    s3, source = c.aws("s3"), {"Bucket": name, "Key": key}
    for directive, more, expected in (
        ("COPY", {}, {"colour": "blue"}),
        ("REPLACE", {"Metadata": {"colour": "red"}}, {"colour": "red"}),
    ):
        to = c.name("copy")
        s3.copy_object(Bucket=name, Key=to, CopySource=source, MetadataDirective=directive, **more)
        seen = s3.get_object(Bucket=name, Key=to)
        c.equal(directive, (seen["Body"].read(), seen["Metadata"]), (b"copy me", expected))
    c.refused(*NO_KEY, s3.copy_object, Bucket=name, Key="to", CopySource={"Bucket": name, "Key": "none"})


@check("API PutObjectTagging, GetObjectTagging, DeleteObjectTagging")
def object_tags(c):
    """Tags given with the object and later are kept; deleted they are none, which is no error."""
    name, key = stored(c, Tagging="a=1&b=2")
    s3 = c.aws("s3")
    read = lambda: s3.get_object_tagging(Bucket=name, Key=key)["TagSet"]
    c.same("given", read(), [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    s3.put_object_tagging(Bucket=name, Key=key, Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    c.same("put", read(), [{"Key": "c", "Value": "3"}])
    s3.delete_object_tagging(Bucket=name, Key=key)
    c.equal("deleted", read(), [])


@check("API ListObjectsV2")
def objects_are_listed(c):
    """ListObjectsV2 sorts by key, keeps to a prefix, folds by a delimiter, and pages."""
    s3, name = c.aws("s3"), bucket(c)
    for key in ("b", "a/1", "a/2", "a/x/3", "c"):
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    keys = lambda seen: [item["Key"] for item in seen.get("Contents", [])]
    c.equal("all", keys(s3.list_objects_v2(Bucket=name)), ["a/1", "a/2", "a/x/3", "b", "c"])
    c.equal("prefix", keys(s3.list_objects_v2(Bucket=name, Prefix="a/")), ["a/1", "a/2", "a/x/3"])
    c.equal("after", keys(s3.list_objects_v2(Bucket=name, StartAfter="a/x/3")), ["b", "c"])
    seen = s3.list_objects_v2(Bucket=name, Delimiter="/")
    c.equal("folded", (keys(seen), seen["CommonPrefixes"]), (["b", "c"], [{"Prefix": "a/"}]))
    first = s3.list_objects_v2(Bucket=name, MaxKeys=2)
    c.equal("page", (keys(first), first["IsTruncated"], first["KeyCount"]), (["a/1", "a/2"], True, 2))
    second = s3.list_objects_v2(Bucket=name, MaxKeys=9, ContinuationToken=first["NextContinuationToken"])
    c.equal("next", (keys(second), second["IsTruncated"]), (["a/x/3", "b", "c"], False))


@check("recorded: test_bucket_versioning_crud")
def versioning_is_switched(c):
    """Versioning has no status at first, then Enabled or Suspended; anything else: MalformedXML 400."""
    s3, name = c.aws("s3"), bucket(c)
    c.true("none at first", "Status" not in s3.get_bucket_versioning(Bucket=name))
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
        c.equal("Status", s3.get_bucket_versioning(Bucket=name).get("Status"), status)
    call = s3.put_bucket_versioning
    c.refused("MalformedXML", 400, call, Bucket=name, VersioningConfiguration={"Status": "disabled"})


@check("recorded: test_delete_object_versioned; guide, S3 Versioning")
def versions_are_kept(c):
    """Every put has a VersionId and can be got by it; deleting hides the object behind a marker."""
    s3, name = c.aws("s3"), versioned(c)
    one, two = (s3.put_object(Bucket=name, Key="k", Body=text)["VersionId"] for text in (b"one", b"two"))
    c.true("two ids", one != two and "null" not in (one, two), (one, two))
    c.equal("latest", s3.get_object(Bucket=name, Key="k")["Body"].read(), b"two")
    c.equal("first", s3.get_object(Bucket=name, Key="k", VersionId=one)["Body"].read(), b"one")
    marker = s3.delete_object(Bucket=name, Key="k")
    c.equal("DeleteMarker", marker.get("DeleteMarker"), True)
    c.refused(*NO_KEY, s3.get_object, Bucket=name, Key="k")
    c.refused("MethodNotAllowed", 405, s3.get_object, Bucket=name, Key="k", VersionId=marker["VersionId"])
    c.equal("by id", s3.get_object(Bucket=name, Key="k", VersionId=two)["Body"].read(), b"two")
    s3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
    c.equal("marker deleted", s3.get_object(Bucket=name, Key="k")["Body"].read(), b"two")
    s3.delete_object(Bucket=name, Key="k", VersionId=two)
    c.equal("latest deleted", s3.get_object(Bucket=name, Key="k")["Body"].read(), b"one")


@check("API ListObjectVersions")
def versions_are_listed(c):
    """ListObjectVersions has the newest first, says which is the latest, and lists markers apart."""
    s3, name = c.aws("s3"), versioned(c)
    one, two = (s3.put_object(Bucket=name, Key="k", Body=text)["VersionId"] for text in (b"one", b"two"))
    marker = s3.delete_object(Bucket=name, Key="k")["VersionId"]
    seen = s3.list_object_versions(Bucket=name)
    versions = [(item["VersionId"], item["IsLatest"]) for item in seen["Versions"]]
    c.equal("versions", versions, [(two, False), (one, False)])
    c.equal("markers", [(item["VersionId"], item["IsLatest"]) for item in seen["DeleteMarkers"]], [(marker, True)])


@check("guide, Multipart upload: 5 MiB parts, ETag with the number of parts")
def multipart_upload(c):
    """Parts make one object, whose ETag ends in their number; an aborted upload leaves none."""
    s3, name, key = c.aws("s3"), shared(c), c.name("big")
    parts = (b"a" * (5 * 1024 * 1024), b"b")
    upload = s3.create_multipart_upload(Bucket=name, Key=key)["UploadId"]
    where = {"Bucket": name, "Key": key, "UploadId": upload}
    tags = [s3.upload_part(**where, PartNumber=at, Body=body)["ETag"] for at, body in enumerate(parts, 1)]
    listed = [{"PartNumber": at, "ETag": tag} for at, tag in enumerate(tags, 1)]
    etag = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": listed})["ETag"]
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    c.equal("ETag", etag, f'"{digest}-2"')
    c.equal("length", s3.head_object(Bucket=name, Key=key)["ContentLength"], len(parts[0]) + 1)
    upload = s3.create_multipart_upload(Bucket=name, Key=key)["UploadId"]
    s3.abort_multipart_upload(Bucket=name, Key=key, UploadId=upload)
    c.refused("NoSuchUpload", 404, s3.upload_part, Bucket=name, Key=key, UploadId=upload, PartNumber=1, Body=b"x")


@check("guide, Presigned URLs")
def presigned_addresses(c):
    """A presigned address gives the object to whoever has no credentials, and takes one."""
    name, key = stored(c, b"for anybody")
    s3, web = c.aws("s3"), c.world.web
    where = {"Bucket": name, "Key": key}
    answer = web.send("GET", s3.generate_presigned_url("get_object", where, 60))
    c.equal("got", (answer.status, answer.body), (200, b"for anybody"))
    answer = web.send("PUT", s3.generate_presigned_url("put_object", where, 60), body=b"by anybody")
    c.equal("status of put", answer.status, 200)
    c.equal("put", s3.get_object(**where)["Body"].read(), b"by anybody")
