use super::super::service_fault;
use super::*;

const fn answer(
    service: &'static str,
    operation: &'static str,
    code: &'static str,
    message: &'static str,
    status: u16,
) -> Answer<'static> {
    Answer {
        service,
        operation,
        code,
        message,
        status,
    }
}

#[rustfmt::skip]
const CASES: &[(Answer<'static>, FaultClass)] = &[
    // Propagation.
    (answer("lambda", "CreateFunction", "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.", 400), Propagation),
    (answer("lambda", "CreateFunction", "InvalidParameterValueException", "The provided execution role does not have permissions to call CreateNetworkInterface on EC2", 400), Propagation),
    (answer("lambda", "CreateFunction", "InvalidParameterValueException", "Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant.", 400), Propagation),
    (answer("iam", "CreateRole", "MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/new\"", 400), Propagation),
    // Pending.
    (answer("lambda", "UpdateFunctionCode", "ResourceConflictException", "The operation cannot be performed at this time. The function is currently in the following state: Pending", 409), Pending),
    (answer("lambda", "UpdateFunctionConfiguration", "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-central-1:123456789012:function:x", 409), Pending),
    (answer("dynamodb", "DeleteTable", "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created: t", 400), Pending),
    (answer("dynamodb", "CreateTable", "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being deleted: t", 400), Pending),
    // Exists.
    (answer("lambda", "CreateFunction", "ResourceConflictException", "Function already exist: x", 409), Exists),
    (answer("lambda", "AddPermission", "ResourceConflictException", "The statement id (x) provided already exists. Please provide a new statement id, or remove the existing statement.", 409), Exists),
    (answer("lambda", "CreateAlias", "ResourceConflictException", "Alias already exists: arn:aws:lambda:eu-central-1:123456789012:function:x:live", 409), Exists),
    (answer("lambda", "CreateAlias", "ConflictException", "Alias already exists: arn:aws:lambda:eu-central-1:123456789012:function:x:live", 409), Exists),
    (answer("iam", "CreateRole", "EntityAlreadyExists", "Role with name x already exists.", 409), Exists),
    (answer("iam", "CreateRole", "EntityAlreadyExistsException", "Role with name x already exists.", 409), Exists),
    (answer("dynamodb", "CreateTable", "ResourceInUseException", "Table already exists: t", 400), Exists),
    (answer("secretsmanager", "CreateSecret", "ResourceExistsException", "The operation failed because the secret x already exists.", 400), Exists),
    (answer("secretsmanager", "CreateSecret", "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.", 400), Exists),
    (answer("logs", "CreateLogGroup", "ResourceAlreadyExistsException", "The specified log group already exists", 400), Exists),
    (answer("s3", "CreateBucket", "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", 409), Exists),
    (answer("apigatewayv2", "CreateRoute", "ConflictException", "Route with key ANY /mcp already exists for this API", 409), Exists),
    (answer("ssm", "PutParameter", "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.", 400), Exists),
    (answer("secretsmanager", "PutSecretValue", "ResourceExistsException", "You can't use ClientRequestToken x because that value is already in use for a version of secret y.", 400), Exists),
    (answer("cognito-idp", "CreateGroup", "GroupExistsException", "A group with the name already exists.", 400), Exists),
    (answer("cognito-idp", "CreateIdentityProvider", "DuplicateProviderException", "", 400), Exists),
    (answer("cognito-idp", "CreateManagedLoginBranding", "ManagedLoginBrandingExistsException", "", 400), Exists),
    (answer("cognito-idp", "CreateResourceServer", "InvalidParameterException", "https://mcp.example already exists in user pool eu-central-1_x.", 400), Exists),
    (answer("cognito-idp", "CreateUserPoolDomain", "InvalidParameterException", "Domain already associated with another user pool.", 400), Exists),
    (answer("cognito-idp", "CreateUserPoolDomain", "InvalidParameterException", "User pool already has a domain configured.", 400), Exists),
    (answer("kms", "CreateAlias", "AlreadyExistsException", "An alias with the name alias/x already exists", 400), Exists),
    // Concurrent.
    (answer("ssm", "PutParameter", "TooManyUpdates", "", 400), Concurrent),
    (answer("cognito-idp", "UpdateUserPool", "ConcurrentModificationException", "", 400), Concurrent),
    (answer("apigatewayv2", "UpdateApi", "ConflictException", "Unable to complete operation due to concurrent modification. Please try again later.", 409), Concurrent),
    (answer("apigatewayv2", "CreateRoute", "BadRequestException", "Please try again later.", 400), Concurrent),
    (answer("iam", "AttachRolePolicy", "ConcurrentModification", "", 409), Concurrent),
    (answer("iam", "DeleteRole", "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409), Concurrent),
    (answer("lambda", "UpdateAlias", "PreconditionFailedException", "The RevisionId provided does not match the latest RevisionId.", 412), Concurrent),
    (answer("logs", "PutRetentionPolicy", "OperationAbortedException", "A conflicting operation is currently in progress against this resource.", 400), Concurrent),
    (answer("s3", "CreateBucket", "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again.", 409), Concurrent),
    // Throttled.
    (answer("lambda", "GetFunction", "TooManyRequestsException", "Rate exceeded", 429), Throttled),
    (answer("iam", "GetRole", "Throttling", "Rate exceeded", 400), Throttled),
    (answer("cloudwatch", "PutMetricAlarm", "ThrottlingException", "", 400), Throttled),
    (answer("logs", "CreateLogGroup", "LimitExceededException", "Rate exceeded", 400), Throttled),
    (answer("apigatewayv2", "CreateApi", "", "", 429), Throttled),
    (answer("s3", "PutObject", "SlowDown", "Please reduce your request rate.", 503), Throttled),
    // Transient.
    (answer("lambda", "CreateFunction", "ServiceException", "An error occurred and the request cannot be processed.", 500), Transient),
    (answer("iam", "CreateRole", "ServiceFailure", "", 500), Transient),
    (answer("s3", "PutObject", "InternalError", "We encountered an internal error. Please try again.", 500), Transient),
    (answer("apigatewayv2", "GetApi", "", "", 503), Transient),
    (answer("sns", "Publish", "NotImplementedException", "not here", 501), Fatal),
    (answer("cognito-idp", "DescribeUserPool", "InternalErrorException", "", 500), Transient),
    // Gone: typed only.
    (answer("cognito-idp", "DescribeUserPool", "ResourceNotFoundException", "User pool eu-central-1_x does not exist.", 400), Gone),
    (answer("cognito-idp", "DeleteUserPoolDomain", "InvalidParameterException", "No such domain or user pool exists.", 400), Gone),
    (answer("kms", "DescribeKey", "NotFoundException", "Key 'arn' does not exist", 400), Gone),
    (answer("lambda", "GetFunction", "ResourceNotFoundException", "Function not found: arn", 404), Gone),
    (answer("lambda", "GetProvisionedConcurrencyConfig", "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function", 404), Gone),
    (answer("iam", "GetRole", "NoSuchEntity", "The role with name x cannot be found.", 404), Gone),
    (answer("apigatewayv2", "GetApi", "NotFoundException", "Invalid API identifier specified", 404), Gone),
    (answer("s3", "HeadBucket", "NotFound", "", 404), Gone),
    (answer("s3", "GetBucketTagging", "NoSuchTagSet", "The TagSet does not exist", 404), Gone),
    (answer("sns", "GetTopicAttributes", "NotFound", "Topic does not exist", 404), Gone),
    (answer("cloudwatch", "GetDashboard", "ResourceNotFound", "Dashboard x does not exist", 404), Gone),
    (answer("ssm", "GetParameter", "ParameterNotFound", "", 400), Gone),
    (answer("ssm", "ListTagsForResource", "InvalidResourceId", "The resource ID isn't valid.", 400), Gone),
    // A 404 without a type may be a proxy or a wrong endpoint: not gone.
    (answer("lambda", "GetFunction", "", "", 404), Fatal),
    (answer("iam", "GetRole", "UnknownOperation", "", 404), Fatal),
    // Denied.
    (answer("lambda", "CreateFunction", "AccessDeniedException", "User: u is not authorized to perform: lambda:CreateFunction on resource: r", 403), Denied),
    (answer("s3", "HeadBucket", "", "", 403), Denied),
    (answer("s3", "CreateBucket", "AccessDenied", "Access Denied", 403), Denied),
    (answer("sns", "CreateTopic", "AuthorizationError", "", 403), Denied),
    (answer("iam", "GetRole", "UnauthorizedOperation", "", 400), Denied),
    (answer("sts", "GetCallerIdentity", "ExpiredToken", "The security token included in the request is expired", 403), Denied),
    (answer("lambda", "GetFunction", "ExpiredTokenException", "The security token included in the request is expired", 400), Denied),
    (answer("sts", "GetCallerIdentity", "InvalidClientTokenId", "The security token included in the request is invalid.", 403), Denied),
    (answer("lambda", "GetFunction", "UnrecognizedClientException", "The security token included in the request is invalid.", 403), Denied),
    // Fatal.
    (answer("cognito-idp", "DeleteUserPool", "InvalidParameterException", "User pool cannot be deleted. It has a domain configured that should be deleted first.", 400), Fatal),
    (answer("lambda", "CreateFunction", "InvalidParameterValueException", "1 validation error detected", 400), Fatal),
    (answer("lambda", "DeleteFunction", "ResourceConflictException", "Unable to delete version because the following aliases reference it: [live]", 409), Fatal),
    (answer("iam", "PutRolePolicy", "MalformedPolicyDocument", "Syntax errors in policy.", 400), Fatal),
    (answer("iam", "CreateRole", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", 409), Fatal),
];

#[test]
fn every_class() {
    for (answer, class) in CASES {
        assert_eq!(classify(answer), *class, "{answer:?}");
    }
}

#[test]
fn hints_name_what_is_missing() {
    let check = |answer: Answer<'_>, part: &str| {
        let hint = service_fault(&answer).hint.unwrap_or_default();
        assert!(hint.contains(part), "{hint}");
    };
    check(answer("s3", "HeadBucket", "", "", 403), "s3:ListBucket");
    check(
        answer(
            "apigatewayv2",
            "CreateApi",
            "AccessDeniedException",
            "",
            403,
        ),
        "apigateway:POST",
    );
    check(
        answer(
            "lambda",
            "CreateFunction",
            "AccessDeniedException",
            "User: u is not authorized to perform: iam:PassRole on resource: r",
            403,
        ),
        "iam:PassRole",
    );
    check(
        answer(
            "iam",
            "CreateRole",
            "AccessDenied",
            "User: u is not authorized to perform: iam:CreateRole with an explicit deny in a service control policy",
            403,
        ),
        "organization",
    );
    check(
        answer("sts", "GetCallerIdentity", "ExpiredToken", "", 403),
        "log in again",
    );
    check(
        answer("iam", "CreateRole", "LimitExceeded", "", 409),
        "quota",
    );
    check(
        answer("iam", "CreateRole", "EntityAlreadyExists", "", 409),
        "import",
    );
    check(
        answer("s3", "HeadBucket", "PermanentRedirect", "", 301),
        "region",
    );
}

#[test]
fn an_answer_without_words_still_says_something() {
    let fault = service_fault(&answer("s3", "HeadBucket", "", "", 403));
    assert_eq!(
        fault.to_string(),
        "the service answered with HTTP status 403"
    );
    assert_eq!(fault.code, None);
}
