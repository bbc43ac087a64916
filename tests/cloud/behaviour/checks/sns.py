"""SNS: topics and subscriptions."""

from judge import Group

check = Group("sns")

GONE = ("NotFound", 404)
BAD = ("InvalidParameter", 400)


def topic(c, **more) -> str:
    arn = c.aws("sns").create_topic(**{"Name": c.name("topic"), **more})["TopicArn"]
    c.defer(c.aws("sns").delete_topic, TopicArn=arn)
    return arn


def missing(c) -> str:
    return f"arn:aws:sns:{c.region}:{c.account}:{c.name('none')}"


@check("API CreateTopic, GetTopicAttributes")
def topic_is_made_and_read(c):
    """CreateTopic gives the ARN; the attributes tell owner, ARN and counts, as text."""
    name = c.name("topic")
    arn = topic(c, Name=name, Attributes={"DisplayName": "for tests"})
    c.equal("ARN", arn, f"arn:aws:sns:{c.region}:{c.account}:{name}")
    expected = {
        "TopicArn": arn,
        "Owner": c.account,
        "DisplayName": "for tests",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsPending": "0",
        "SubscriptionsDeleted": "0",
    }
    seen = c.aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    c.has("attributes", seen, expected)
    c.true("a policy", "Policy" in seen, seen)


@check("API CreateTopic: idempotent")
def topic_again_is_the_same(c):
    """CreateTopic of a name that is there gives its ARN."""
    name = c.name("topic")
    c.equal("ARN", topic(c, Name=name), topic(c, Name=name))


@check("API CreateTopic; recorded: test_create_duplicate_topic_with_more_tags")
def topic_again_with_others_is_refused(c):
    """CreateTopic of a name that is there with other attributes or tags: InvalidParameter 400."""
    name, client = c.name("topic"), c.aws("sns")
    topic(c, Name=name)
    says = "Topic already exists with different attributes"
    c.refused(*BAD, client.create_topic, says=says, Name=name, Attributes={"DisplayName": "other"})
    says = "Topic already exists with different tags"
    c.refused(*BAD, client.create_topic, says=says, Name=name, Tags=[{"Key": "a", "Value": "b"}])


@check.each({"a space": "two words", "a slash": "a/b", "a dot": "a.b"}, "API CreateTopic, Name")
def topic_name_with(c, name):
    """A topic name with {case}: InvalidParameter 400."""
    c.refused(*BAD, topic, c=c, Name=name)


@check("API GetTopicAttributes; recorded: test_create_topic_with_attributes, test_unknown_topic_publish")
def topic_missing(c):
    """A topic that is not there: NotFound 404 'Topic does not exist'."""
    client, arn = c.aws("sns"), missing(c)
    says = "Topic does not exist"
    c.refused(*GONE, client.get_topic_attributes, says=says, TopicArn=arn)
    c.refused(*GONE, client.publish, says=says, TopicArn=arn, Message="x")
    c.refused(*GONE, client.subscribe, says=says, TopicArn=arn, Protocol="email", Endpoint="a@example.com")
    c.refused(*GONE, client.list_subscriptions_by_topic, says=says, TopicArn=arn)


@check("recorded: test_create_topic_with_attributes")
def topic_arn_must_be_one(c):
    """Something that is no ARN: InvalidParameter 400."""
    says = "An ARN must have at least 6 elements"
    c.refused(*BAD, c.aws("sns").get_topic_attributes, says=says, TopicArn="topic")


@check("API SetTopicAttributes")
def topic_attributes_are_set(c):
    """SetTopicAttributes sets one; an unknown one: InvalidParameter 400."""
    client, arn = c.aws("sns"), topic(c)
    client.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="new")
    c.equal("DisplayName", client.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"], "new")
    call = client.set_topic_attributes
    c.refused(*BAD, call, says="AttributeName", TopicArn=arn, AttributeName="Colour", AttributeValue="blue")


@check("API DeleteTopic: idempotent")
def topic_is_deleted(c):
    """DeleteTopic takes the topic, and is no error when there is none."""
    client, arn = c.aws("sns"), topic(c)
    for _ in range(2):
        client.delete_topic(TopicArn=arn)
    c.refused(*GONE, client.get_topic_attributes, TopicArn=arn)


@check("API ListTopics", alone=True)
def topics_are_listed(c):
    """ListTopics has every topic once."""
    arns = {topic(c) for _ in range(2)}
    pages = c.aws("sns").get_paginator("list_topics").paginate()
    c.same("ours", [item["TopicArn"] for page in pages for item in page["Topics"] if item["TopicArn"] in arns], arns)


@check("API TagResource, UntagResource; recorded: test_tags")
def topic_tags(c):
    """Tags from creation and later are listed; a key twice is refused; UntagResource removes them."""
    client, arn = c.aws("sns"), topic(c, Tags=[{"Key": "a", "Value": "1"}])
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    expected = [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    c.same("tags", client.list_tags_for_resource(ResourceArn=arn)["Tags"], expected)
    twice = [{"Key": "c", "Value": "1"}, {"Key": "c", "Value": "2"}]
    c.refused(*BAD, client.tag_resource, says="Duplicated keys", ResourceArn=arn, Tags=twice)
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    c.same("tags", client.list_tags_for_resource(ResourceArn=arn)["Tags"], expected[1:])


@check("API Subscribe, ListSubscriptionsByTopic: pending confirmation")
def email_waits_for_confirmation(c):
    """An email subscription is pending: no ARN of its own until it is confirmed."""
    client, arn = c.aws("sns"), topic(c)
    seen = client.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")
    c.equal("SubscriptionArn", seen["SubscriptionArn"], "pending confirmation")
    listed = client.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    expected = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@example.com"}
    c.equal("number", len(listed), 1)
    c.has("subscription", listed[0], {**expected, "TopicArn": arn, "Owner": c.account})
    counts = client.get_topic_attributes(TopicArn=arn)["Attributes"]
    c.has("counts", counts, {"SubscriptionsPending": "1", "SubscriptionsConfirmed": "0"})


@check("API Subscribe, ReturnSubscriptionArn")
def email_tells_its_arn_when_asked(c):
    """With ReturnSubscriptionArn a pending subscription gives its ARN."""
    arn = topic(c)
    arguments = {"Protocol": "email", "Endpoint": "a@example.com", "ReturnSubscriptionArn": True}
    seen = c.aws("sns").subscribe(TopicArn=arn, **arguments)["SubscriptionArn"]
    c.true("an ARN below the topic's", seen.startswith(f"{arn}:"), seen)


@check("API Subscribe, Unsubscribe, GetSubscriptionAttributes")
def function_is_subscribed(c):
    """A function is subscribed at once; its attributes tell so; Unsubscribe ends it."""
    client, arn, function = c.aws("sns"), topic(c), c.function_arn(c.echo())
    made = client.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    c.true("an ARN below the topic's", made.startswith(f"{arn}:"), made)
    expected = {
        "SubscriptionArn": made,
        "TopicArn": arn,
        "Protocol": "lambda",
        "Endpoint": function,
        "Owner": c.account,
        "PendingConfirmation": "false",
        "RawMessageDelivery": "false",
    }
    c.has("attributes", client.get_subscription_attributes(SubscriptionArn=made)["Attributes"], expected)
    again = client.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    c.equal("subscribed again", again, made)
    client.unsubscribe(SubscriptionArn=made)
    c.refused(*GONE, client.get_subscription_attributes, says="Subscription does not exist", SubscriptionArn=made)


@check("API SetSubscriptionAttributes; recorded: test_validate_set_sub_attributes")
def subscription_attributes_are_set(c):
    """A filter policy is kept; one that is no JSON, and unknown attributes: InvalidParameter 400."""
    client, arn, function = c.aws("sns"), topic(c), c.function_arn(c.echo())
    made = client.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    call, policy = client.set_subscription_attributes, '{"colour":["blue"]}'
    call(SubscriptionArn=made, AttributeName="FilterPolicy", AttributeValue=policy)
    seen = client.get_subscription_attributes(SubscriptionArn=made)["Attributes"]
    c.equal("FilterPolicy", seen.get("FilterPolicy"), policy)
    says = "failed to parse JSON"
    c.refused(*BAD, call, says=says, SubscriptionArn=made, AttributeName="FilterPolicy", AttributeValue="{no")
    c.refused(*BAD, call, says="AttributeName", SubscriptionArn=made, AttributeName="Fake", AttributeValue="x")


SUBSCRIPTIONS = {
    "an unknown protocol": ({"Protocol": "pigeon", "Endpoint": "x"}, "does not support this protocol string"),
    "an email address without at": ({"Protocol": "email", "Endpoint": "nobody"}, "mail"),
    "a function that is no ARN": ({"Protocol": "lambda", "Endpoint": "my-function"}, ""),
}


@check.each(SUBSCRIPTIONS, "API Subscribe; recorded: test_subscribe_with_invalid_protocol")
def subscribe_refuses(c, case):
    """Subscribe refuses {case}: InvalidParameter 400."""
    arguments, says = case
    c.refused(*BAD, c.aws("sns").subscribe, says=says, TopicArn=topic(c), **arguments)


@check("API Publish; recorded: test_empty_sns_message")
def message_is_published(c):
    """Publish gives a message id; an empty message: InvalidParameter 400."""
    client, arn = c.aws("sns"), topic(c)
    c.matches("MessageId", client.publish(TopicArn=arn, Message="x", Subject="y")["MessageId"], "^[0-9a-f-]{36}$")
    c.refused(*BAD, client.publish, says="Empty message", TopicArn=arn, Message="")
