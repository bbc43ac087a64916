//! API Gateway v2: the control plane of HTTP APIs.

use serde_json::{Value, json};

use super::support_apigateway::World;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

#[tokio::test]
async fn an_api_from_creation_to_deletion() {
    let world = World::new().await;
    let input = json!({
        "name": "a", "protocolType": "HTTP", "description": "d", "tags": {"k": "v"},
        "corsConfiguration": {"allowOrigins": ["*"], "allowHeaders": ["X-Id"]},
    });
    let (status, _, api) = world.call("POST /v2/apis", input).await;
    assert_eq!(status, 201);
    let id = api["apiId"].as_str().unwrap();
    assert_eq!(id.len(), 10);
    let mut shown = api.clone();
    for varying in ["apiId", "apiEndpoint", "createdDate"] {
        shown.as_object_mut().unwrap().remove(varying);
    }
    assert_eq!(
        shown,
        json!({
            "apiKeySelectionExpression": "$request.header.x-api-key",
            "corsConfiguration": {"allowHeaders": ["x-id"], "allowOrigins": ["*"]},
            "description": "d",
            "disableExecuteApiEndpoint": false,
            "ipAddressType": "ipv4",
            "name": "a",
            "protocolType": "HTTP",
            "routeSelectionExpression": "$request.method $request.path",
            "tags": {"k": "v"},
        })
    );
    let one = format!("GET /v2/apis/{id}");
    assert_eq!(world.ok(&one, json!({})).await, api);
    let change = json!({"name": "b", "description": "", "version": "1"});
    world.ok(&format!("PATCH /v2/apis/{id}"), change).await;
    world
        .ok(&format!("DELETE /v2/apis/{id}/cors"), json!({}))
        .await;
    let arn = format!("arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F{id}");
    world
        .ok(&format!("POST /v2/tags/{arn}"), json!({"tags": {"l": "w"}}))
        .await;
    world
        .ok(&format!("DELETE /v2/tags/{arn}?tagKeys=k"), json!({}))
        .await;
    let tags = world.ok(&format!("GET /v2/tags/{arn}"), json!({})).await;
    assert_eq!(tags, json!({"tags": {"l": "w"}}));
    let changed = world.ok(&one, json!({})).await;
    assert_eq!(
        (&changed["name"], &changed["version"]),
        (&json!("b"), &json!("1"))
    );
    assert_eq!(changed["tags"], json!({"l": "w"}));
    for gone in ["description", "corsConfiguration"] {
        assert_eq!(changed.get(gone), None);
    }
    let (status, _, _) = world
        .call(&format!("DELETE /v2/apis/{id}"), json!({}))
        .await;
    assert_eq!(status, 204);
    let (status, kind, body) = world.call(&one, json!({})).await;
    assert_eq!((status, kind.as_str()), (404, "NotFoundException"));
    let message = format!("Invalid API identifier specified 000000000000:{id}");
    assert_eq!(body["message"], message.as_str());
}

#[tokio::test]
async fn lists_come_by_pages() {
    let world = World::new().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        let input = json!({"name": name, "protocolType": "HTTP"});
        let api = world.ok("POST /v2/apis", input).await;
        made.push(api["apiId"].as_str().unwrap().to_owned());
    }
    made.sort();
    let mut listed = Vec::new();
    let mut next = String::new();
    for size in [2, 2, 1] {
        let request = format!("GET /v2/apis?maxResults=2&nextToken={next}");
        let page = world.ok(&request, json!({})).await;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), size);
        listed.extend(
            items
                .iter()
                .map(|api| api["apiId"].as_str().unwrap().to_owned()),
        );
        next = page["nextToken"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((listed, next.as_str()), (made, ""));
}

#[tokio::test]
async fn quick_create_makes_all_that_is_needed() {
    let world = World::new().await;
    let input =
        json!({"name": "a", "protocolType": "HTTP", "target": FUNCTION, "routeKey": "ANY /mcp"});
    let api = world.ok("POST /v2/apis", input).await;
    let id = api["apiId"].as_str().unwrap();
    let list = async |what: &str| {
        let all = world
            .ok(&format!("GET /v2/apis/{id}/{what}"), json!({}))
            .await;
        all["items"].as_array().unwrap().clone()
    };
    let (routes, integrations, stages) = (
        list("routes").await,
        list("integrations").await,
        list("stages").await,
    );
    assert_eq!((routes.len(), integrations.len(), stages.len()), (1, 1, 1));
    assert_eq!(routes[0]["routeKey"], "ANY /mcp");
    let target = format!(
        "integrations/{}",
        integrations[0]["integrationId"].as_str().unwrap()
    );
    assert_eq!(routes[0]["target"], target.as_str());
    assert_eq!(integrations[0]["payloadFormatVersion"], "2.0");
    assert_eq!(
        (&stages[0]["stageName"], &stages[0]["autoDeploy"]),
        (&json!("$default"), &json!(true))
    );
    let deployment = stages[0]["deploymentId"].as_str().unwrap();
    assert_eq!(
        stages[0]["lastDeploymentStatusMessage"],
        format!("Successfully deployed stage with deployment ID '{deployment}'").as_str()
    );
    let change = json!({"target": "https://example.com"});
    world.ok(&format!("PATCH /v2/apis/{id}"), change).await;
    assert_eq!(
        list("integrations").await[0]["integrationType"],
        "HTTP_PROXY"
    );
    // Each change is a deployment; those before are gone.
    let deployments = list("deployments").await;
    assert_eq!(deployments.len(), 1);
    assert_ne!(deployments[0]["deploymentId"], deployment);
    assert_eq!(deployments[0]["autoDeployed"], true);
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let world = World::new().await;
    let api = world
        .ok(
            "POST /v2/apis",
            json!({"name": "a", "protocolType": "HTTP"}),
        )
        .await;
    let id = api["apiId"].as_str().unwrap().to_owned();
    let base = format!("/v2/apis/{id}");
    let with = |defaults: Value, changes: Value| {
        let mut input = defaults;
        for (name, value) in changes.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    };
    let function = |changes| {
        with(
            json!({"integrationType": "AWS_PROXY", "integrationUri": FUNCTION, "payloadFormatVersion": "2.0"}),
            changes,
        )
    };
    let jwt = |changes| {
        with(
            json!({"authorizerType": "JWT", "name": "j", "identitySource": ["$request.header.Authorization"],
            "jwtConfiguration": {"issuer": "https://example.com", "audience": ["a"]}}),
            changes,
        )
    };
    let integration = world
        .ok(&format!("POST {base}/integrations"), function(json!({})))
        .await;
    let integration = integration["integrationId"].as_str().unwrap().to_owned();
    let target = format!("integrations/{integration}");
    let authorizer = world
        .ok(&format!("POST {base}/authorizers"), jwt(json!({})))
        .await;
    let authorizer = authorizer["authorizerId"].as_str().unwrap().to_owned();
    let route = json!({"routeKey": "ANY /mcp", "target": target, "authorizationType": "JWT", "authorizerId": authorizer});
    let route = world.ok(&format!("POST {base}/routes"), route).await;
    let route = route["routeId"].as_str().unwrap().to_owned();
    world
        .ok(&format!("POST {base}/stages"), json!({"stageName": "dev"}))
        .await;
    let deployment = world
        .ok(
            &format!("POST {base}/deployments"),
            json!({"stageName": "dev"}),
        )
        .await;
    let deployment = deployment["deploymentId"].as_str().unwrap().to_owned();
    let logs = |destination: &str, format: &str| json!({"stageName": "l", "accessLogSettings": {"destinationArn": destination, "format": format}});
    let group = "arn:aws:logs:us-east-1:000000000000:log-group:/g";
    let bad = "400 BadRequestException";
    let conflict = "409 ConflictException";
    let missing = "404 NotFoundException";
    let absent = "501 NotImplementedException";
    for (request, input, error, says) in [
        ("POST /v2/apis", json!({"name": "x"}), bad, "ProtocolType"),
        (
            "POST /v2/apis",
            json!({"name": "x", "protocolType": "FTP"}),
            bad,
            "Invalid protocol specified",
        ),
        (
            "POST /v2/apis",
            json!({"name": "x", "protocolType": "WEBSOCKET"}),
            absent,
            "WebSocket",
        ),
        (
            "POST /v2/apis",
            json!({"name": "", "protocolType": "HTTP"}),
            bad,
            "Name",
        ),
        (
            "POST /v2/apis",
            json!({"name": "x", "protocolType": "HTTP", "routeKey": "$default"}),
            bad,
            "quick create",
        ),
        (
            "PATCH .",
            json!({"corsConfiguration": {"allowOrigins": ["*"], "allowCredentials": true}}),
            bad,
            "AllowCredentials",
        ),
        (
            "PATCH .",
            json!({"corsConfiguration": {"allowOrigins": ["example.com"]}}),
            bad,
            "Invalid format for origin",
        ),
        (
            "PATCH .",
            json!({"corsConfiguration": {"maxAge": 86_401}}),
            bad,
            "MaxAge",
        ),
        (
            "POST ./integrations",
            function(json!({"payloadFormatVersion": null})),
            bad,
            "PayloadFormatVersion",
        ),
        (
            "POST ./integrations",
            function(json!({"payloadFormatVersion": "3.0"})),
            bad,
            "PayloadFormatVersion",
        ),
        (
            "POST ./integrations",
            function(json!({"timeoutInMillis": 30_001})),
            bad,
            "Timeout should be between 50 ms and 30000 ms",
        ),
        (
            "POST ./integrations",
            function(json!({"timeoutInMillis": 49})),
            bad,
            "Timeout",
        ),
        (
            "POST ./integrations",
            function(json!({"integrationType": "MOCK"})),
            bad,
            "MOCK",
        ),
        (
            "POST ./integrations",
            function(json!({"integrationUri": "f"})),
            bad,
            "IntegrationUri",
        ),
        (
            "POST ./integrations",
            function(json!({"connectionType": "VPC_LINK"})),
            absent,
            "VPC links",
        ),
        (
            "POST ./integrations",
            function(json!({"integrationSubtype": "SQS-SendMessage"})),
            absent,
            "integrationSubtype",
        ),
        (
            "POST ./integrations",
            function(json!({"requestParameters": {"append:header.host2": "$x"}})),
            bad,
            "Invalid mapping expression",
        ),
        (
            "DELETE ./integrations/INTEGRATION",
            json!({}),
            conflict,
            "Cannot delete Integration because it is referenced by the following Routes with Ids: [ROUTE]",
        ),
        (
            "GET ./integrations/nothing",
            json!({}),
            missing,
            "Invalid Integration identifier specified nothing",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "ANY /mcp"}),
            conflict,
            "Route with key ANY /mcp already exists for this API",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET mcp"}),
            bad,
            "The provided route key is not formatted properly for HTTP protocol",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET /x", "target": "integrations/nothing"}),
            bad,
            "Invalid Integration identifier specified nothing",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET /x", "target": "nothing"}),
            bad,
            "Invalid target",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET /x", "authorizationType": "JWT", "authorizerId": "nothing"}),
            bad,
            "Invalid Authorizer identifier specified nothing",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET /x", "authorizationType": "CUSTOM", "authorizerId": authorizer}),
            bad,
            "does not match",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET /x", "authorizationScopes": ["s"]}),
            bad,
            "JWT",
        ),
        (
            "POST ./routes",
            json!({"routeKey": "GET /x", "apiKeyRequired": true}),
            bad,
            "ApiKeyRequired",
        ),
        (
            "POST ./stages",
            json!({"stageName": "dev"}),
            conflict,
            "Stage already exists",
        ),
        (
            "POST ./stages",
            json!({"stageName": "a b"}),
            bad,
            "Stage name",
        ),
        (
            "POST ./stages",
            json!({"stageName": "s", "routeSettings": {"GET /no": {}}}),
            missing,
            "Unable to find Route by key GET /no within the provided RouteSettings",
        ),
        (
            "POST ./stages",
            json!({"stageName": "s", "deploymentId": "nothing"}),
            missing,
            "nothing",
        ),
        (
            "POST ./stages",
            json!({"stageName": "s", "defaultRouteSettings": {"loggingLevel": "INFO"}}),
            bad,
            "Execution logs are not supported",
        ),
        (
            "POST ./stages",
            logs("arn:aws:s3:::b", "$context.requestId"),
            bad,
            "ARN",
        ),
        (
            "POST ./stages",
            logs(group, "$context.status"),
            bad,
            "$context.requestId",
        ),
        (
            "POST ./deployments",
            json!({"stageName": "nothing"}),
            missing,
            "nothing",
        ),
        (
            "DELETE ./deployments/DEPLOYMENT",
            json!({}),
            conflict,
            "Active stages",
        ),
        (
            "DELETE ./authorizers/AUTHORIZER",
            json!({}),
            conflict,
            "[ROUTE]",
        ),
        (
            "POST ./authorizers",
            jwt(json!({})),
            conflict,
            "already exists",
        ),
        (
            "POST ./authorizers",
            jwt(json!({"name": "k", "identitySource": ["Authorization"]})),
            bad,
            "Invalid identity source",
        ),
        (
            "POST ./authorizers",
            jwt(json!({"name": "k", "jwtConfiguration": {"issuer": "x", "audience": ["a"]}})),
            bad,
            "Issuer must have a protocol of 'https'",
        ),
        (
            "POST ./authorizers",
            jwt(json!({"name": "k", "jwtConfiguration": {"issuer": "https://x"}})),
            bad,
            "Audience",
        ),
        ("GET /v2/apis?maxResults=0", json!({}), bad, "maxResults"),
        ("GET /v2/tags/arn:aws:s3:::b", json!({}), bad, "ARN"),
        ("POST /v2/domainnames", json!({}), absent, "domainnames"),
        ("POST /v2/vpclinks", json!({}), absent, "vpclinks"),
        (
            "PATCH .",
            json!({"name": 1}),
            "400 SerializationException",
            "expected a string",
        ),
    ] {
        let fill = |text: &str| {
            text.replace("INTEGRATION", &integration)
                .replace("DEPLOYMENT", &deployment)
                .replace("AUTHORIZER", &authorizer)
                .replace("ROUTE", &route)
        };
        let sent = fill(&request.replacen(" .", &format!(" {base}"), 1));
        let (status, kind, body) = world.call(&sent, input).await;
        assert_eq!(format!("{status} {kind}"), error, "{sent}: {body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(&fill(says)), "{sent}: {message}");
    }
    // Nothing of that has left a trace.
    for (what, count) in [
        ("integrations", 1),
        ("routes", 1),
        ("stages", 1),
        ("authorizers", 1),
        ("deployments", 1),
    ] {
        let all = world.ok(&format!("GET {base}/{what}"), json!({})).await;
        assert_eq!(all["items"].as_array().unwrap().len(), count, "{what}");
    }
}

#[tokio::test]
async fn a_stage_is_merged_not_replaced() {
    let world = World::new().await;
    let input = json!({"name": "a", "protocolType": "HTTP", "target": FUNCTION});
    let api = world.ok("POST /v2/apis", input).await;
    let stage = format!(
        "/v2/apis/{}/stages/$default",
        api["apiId"].as_str().unwrap()
    );
    let group = "arn:aws:logs:us-east-1:000000000000:log-group:/g:*";
    let change = json!({
        "stageVariables": {"a": "1", "b": "2"},
        "defaultRouteSettings": {"throttlingBurstLimit": 5, "throttlingRateLimit": 2.5},
        "routeSettings": {"$default": {"throttlingBurstLimit": 1}},
        "accessLogSettings": {"destinationArn": group, "format": "$context.requestId"},
    });
    world.ok(&format!("PATCH {stage}"), change).await;
    let change = json!({"stageVariables": {"a": ""}, "defaultRouteSettings": {"detailedMetricsEnabled": true}});
    let seen = world.ok(&format!("PATCH {stage}"), change).await;
    assert_eq!(seen["stageVariables"], json!({"b": "2"}));
    let settings = json!({"detailedMetricsEnabled": true, "throttlingBurstLimit": 5, "throttlingRateLimit": 2.5});
    assert_eq!(seen["defaultRouteSettings"], settings);
    assert_eq!(seen["accessLogSettings"]["destinationArn"], group);
    world
        .ok(&format!("DELETE {stage}/accesslogsettings"), json!({}))
        .await;
    world
        .ok(
            &format!("DELETE {stage}/routesettings/%24default"),
            json!({}),
        )
        .await;
    let seen = world.ok(&format!("GET {stage}"), json!({})).await;
    assert_eq!(seen.get("accessLogSettings"), None);
    assert_eq!(seen["routeSettings"], json!({}));
}
