"""Functions for provided.al2023 in plain shell: the runtime has sh and curl, so nothing is compiled.

Each is a loop that takes an event into the file $work/event, runs a handler, and posts the file
that $reply names. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import io
import json
import zipfile

LOOP = r"""#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
work=$(mktemp -d)
cr=$(printf '\r')
while :; do
  curl -sS -D "$work/head" -o "$work/event" "$api/invocation/next" || exit 1
  while IFS=': ' read -r key value; do
    case $key in
      [Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d) id=${value%"$cr"} ;;
    esac
  done <"$work/head"
  reply="$work/answer"
  HANDLER
  curl -sS -o /dev/null -H 'Expect:' -X POST --data-binary "@$reply" "$api/invocation/$id/response"
done
"""


def loop(handler: str) -> str:
    return LOOP.replace("HANDLER", handler)


def says(value) -> str:
    """Answers every event with this value, as JSON."""
    text = json.dumps(value)
    assert "'" not in text
    return loop(f"printf '%s' '{text}' >\"$reply\"")


ECHO = loop('reply="$work/event"')
SLEEP = loop("sleep 5")
EXIT = loop("exit 3")
NO_BOOTSTRAP = None
NOT_A_PROGRAM = "\x7fELF this is no program\n"

# Says something on both outputs, then echoes.
TALK = loop('echo "to stdout: $id"; echo "to stderr" >&2; reply="$work/event"')

# A handled error, as a runtime reports it.
ERROR = r"""#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
work=$(mktemp -d)
while :; do
  curl -sS -D "$work/head" -o "$work/event" "$api/invocation/next" || exit 1
  id=$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p' "$work/head" | tr -d '\r')
  curl -sS -o /dev/null -X POST -H 'Lambda-Runtime-Function-Error-Type: Test.Broken' \
    -d '{"errorType":"Test.Broken","errorMessage":"as asked"}' "$api/invocation/$id/error"
done
"""

INIT_ERROR = r"""#!/bin/sh
curl -sS -o /dev/null -X POST -H 'Lambda-Runtime-Function-Error-Type: Test.NoStart' \
  -d '{"errorType":"Test.NoStart","errorMessage":"as asked"}' \
  "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error"
exit 1
"""

# Answers with some of its environment, and with the headers of its event under "head.".
ENVIRONMENT = loop(
    r"""{
    printf '{'
    for name in AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_FUNCTION_MEMORY_SIZE \
      AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_INITIALIZATION_TYPE AWS_REGION \
      AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
      LAMBDA_TASK_ROOT _HANDLER TZ COLOUR; do
      eval "value=\$$name"
      printf '"%s":"%s",' "$name" "$value"
    done
    while IFS=': ' read -r key value; do
      case $key in
        [Ll]ambda-*) printf '"head.%s":"%s",' "$(printf %s "$key" | tr A-Z a-z)" "${value%"$cr"}" ;;
      esac
    done <"$work/head"
    printf '"pwd":"%s"}' "$PWD"
  } >"$reply"
"""
)

# What stands behind the gateway: echoes the event, unless a request header asks for one of ANSWERS.
MIRROR = loop(
    r"""asked=$(grep -o 'answer-[a-z-]*' "$work/event" | head -n 1)
  case $asked in
    '') reply="$work/event" ;;
    answer-slow) sleep 2; reply="$work/event" ;;
    answer-exit) exit 1 ;;
    answer-wrapped)
      printf '{"statusCode":200,"isBase64Encoded":true,"body":"%s"}' "$(base64 -w 0 "$work/event")" >"$reply" ;;
    *) reply="$LAMBDA_TASK_ROOT/$asked" ;;
  esac"""
)
ANSWERS = {
    "answer-string": '"just text"',
    "answer-object": '{"colour":"blue"}',
    "answer-structured": json.dumps(
        {
            "statusCode": 201,
            "headers": {"content-type": "text/plain", "x-colour": "blue"},
            "body": "made",
        }
    ),
    "answer-cookies": json.dumps(
        {"statusCode": 200, "cookies": ["a=1; Secure", "b=2"], "headers": {"x-colour": "red"}, "body": "ok"}
    ),
    "answer-binary": json.dumps(
        {
            "statusCode": 200,
            "headers": {"content-type": "image/png"},
            "isBase64Encoded": True,
            "body": "AAEC/w==",
        }
    ),
    "answer-nobody": '{"statusCode":204}',
    "answer-string-status": '{"statusCode":"202","body":"taken"}',
    "answer-badstatus": '{"statusCode":"teapot","body":"x"}',
    "answer-badbody": '{"statusCode":200,"body":"not base64!","isBase64Encoded":true}',
    "answer-cors": json.dumps(
        {
            "statusCode": 200,
            "headers": {"access-control-allow-origin": "https://backend.example", "vary": "accept"},
            "body": "ok",
        }
    ),
    # For Lambda authorizers.
    "answer-allow": '{"isAuthorized":true,"context":{"colour":"blue","number":7}}',
    "answer-deny": '{"isAuthorized":false}',
}


def package(bootstrap=ECHO, **files) -> bytes:
    """A deployment package; the same content gives the same bytes."""
    files = {name: text for name, text in {"bootstrap": bootstrap, **files}.items() if text is not None}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (files or {"readme.txt": "no program"}).items():
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return buffer.getvalue()
