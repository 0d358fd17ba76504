"""What no linter sees of template.yaml, asserted on the CloudFormation that SAM makes of it.

The list is that of the design: an asynchronous path without an end for its failures, a visibility shorter
than the work, a role that may do more than its function does, a variable nobody reads.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

from builders import followed
from builders.events import ROOT, event_files, function_of
from builders.streams import passes, stream_event
from functions.bills import app as bills
from functions.calls import app as calls
from functions.webhooks import routes as webhooks
from local.template import Function, functions, load, resources, translate
from privatenumber import settings, store
from privatenumber.applications import parse_applications
from privatenumber.billing.reconciliation.requested import LEASE as RECONCILIATION_LEASE
from privatenumber.erasure.rounds import LEASE as ERASURE_LEASE
from privatenumber.recordings.archive import LEASE
from privatenumber.store import call_search
from privatenumber.webhooks.delivery import LEASE as WEBHOOK_LEASE

TEMPLATE = ROOT / "template.yaml"
TEXT = TEMPLATE.read_text(encoding="utf-8")
CHINA = translate(load(TEMPLATE), region="cn-north-1")
FUNCTIONS = resources(CHINA, "AWS::Lambda::Function")
QUEUES = resources(CHINA, "AWS::SQS::Queue")
ALARMS = resources(CHINA, "AWS::CloudWatch::Alarm")
ROUTES = resources(CHINA, "AWS::ApiGatewayV2::Route")
SCHEDULES = resources(CHINA, "AWS::Scheduler::Schedule")
MAPPINGS = resources(CHINA, "AWS::Lambda::EventSourceMapping")
BUCKETS = resources(CHINA, "AWS::S3::Bucket")
STREAMS = {name: mapping for name, mapping in MAPPINGS.items() if "StartingPosition" in mapping}
QUEUED = {name: mapping for name, mapping in MAPPINGS.items() if name not in STREAMS}
DEPLOYED = sorted(functions(TEMPLATE), key=lambda function: function.name)
RUNTIME_VARIABLES = {"POWERTOOLS_LOG_LEVEL"}
KEYRING_ONLY = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["KEYRING"]}}
WHAT_CLOSES_WRITE = {"DAY#*", "STATEMENT#*", "CORRECTION#*", "LOOKS"}

each_function = pytest.mark.parametrize("name", sorted(FUNCTIONS))
each_schedule = pytest.mark.parametrize("name", sorted(SCHEDULES))
each_queue = pytest.mark.parametrize("name", sorted(QUEUES))
each_mapping = pytest.mark.parametrize("name", sorted(QUEUED))
each_bucket = pytest.mark.parametrize("name", sorted(BUCKETS))
each_stream = pytest.mark.parametrize("name", sorted(STREAMS))


def target(value: Any) -> str:
    """Logical id that a Ref or GetAtt points to."""
    if "Ref" in value:
        return str(value["Ref"])
    attribute = value["Fn::GetAtt"]
    return str(attribute[0] if isinstance(attribute, list) else attribute.split(".")[0])


def statements(function: str) -> Iterator[dict[str, Any]]:
    """Statements of the policies written for a function."""
    role = resources(CHINA, "AWS::IAM::Role")[target(FUNCTIONS[function]["Role"])]
    for policy in role.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def alarmed(metric: str, dimension: str) -> set[str]:
    """Logical ids of what an alarm on this metric watches."""
    return {
        target(pair["Value"])
        for alarm in ALARMS.values()
        if alarm["MetricName"] == metric
        for pair in alarm["Dimensions"]
        if pair["Name"] == dimension
    }


class TestFunctions:
    @each_function
    def test_a_function_says_its_size_and_time(self, name: str) -> None:
        function = FUNCTIONS[name]
        # A month is stated by one worker, with all its cells; one of a million calls is compared, in minutes.
        assert 256 <= function["MemorySize"] <= (3008 if name == "BillingWorkerFunction" else 1024)
        slow = {"ReconcileWorkerFunction": 840, "BillingWorkerFunction": 900}
        assert 0 < function["Timeout"] <= slow.get(name, 300)
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert function["Runtime"] == {"Ref": "Runtime"}

    @each_function
    def test_a_function_logs_json_to_a_group_with_retention(self, name: str) -> None:
        logging = FUNCTIONS[name]["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        groups = resources(CHINA, "AWS::Logs::LogGroup")
        assert groups[target(logging["LogGroup"])]["RetentionInDays"] == {"Ref": "LogRetentionDays"}

    def test_no_two_functions_share_a_role_or_a_log_group(self) -> None:
        for shared in ({f["Role"]["Fn::GetAtt"][0] for f in FUNCTIONS.values()},
                       {f["LoggingConfig"]["LogGroup"]["Ref"] for f in FUNCTIONS.values()}):  # fmt: skip
            assert len(shared) == len(FUNCTIONS)

    @each_function
    def test_a_role_names_its_actions_and_resources(self, name: str) -> None:
        own = list(statements(name))
        assert own
        for statement in own:
            assert statement["Effect"] == "Allow"
            assert not [action for action in listed(statement["Action"]) if "*" in action], statement
            assert "*" not in listed(statement["Resource"]), statement

    @each_function
    def test_a_role_has_no_other_managed_policy_than_logs_traces_and_network(self, name: str) -> None:
        role = resources(CHINA, "AWS::IAM::Role")[target(FUNCTIONS[name]["Role"])]
        allowed = {
            "AWSLambdaBasicExecutionRole",
            "AWSXRayDaemonWriteAccess",
            "AWSLambdaVPCAccessExecutionRole",
        }
        assert {str(arn).rsplit("/", 1)[-1] for arn in role["ManagedPolicyArns"]} <= allowed

    def test_callbacks_may_look_up_a_relation_and_write_the_keyring_only_of_the_bindings_table(self) -> None:
        """The open function changes no binding and searches none; it may be the first to make the keyring."""
        own = [s for s in statements("CallbacksFunction") if "BindingsTable" in json.dumps(s["Resource"])]
        assert [listed(s["Action"]) for s in own] == [
            ["dynamodb:BatchGetItem"],
            ["dynamodb:GetItem", "dynamodb:PutItem"],
        ]
        relations = {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["PARTY#*", "BINDING#*", "BARRED#*"]}
        }
        assert [s["Condition"] for s in own] == [relations, KEYRING_ONLY]

    def test_billing_reads_orders_and_numbers_but_no_binding(self) -> None:
        own = [s for s in statements("BillingFunction") if "BindingsTable" in json.dumps(s["Resource"])]
        by_index = [s for s in own if "/index/" in json.dumps(s["Resource"])]
        assert [listed(s["Action"]) for s in by_index] == [["dynamodb:Query"]]
        numbers_only = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["X#*", "POOL#*"]}}
        assert [s["Condition"] for s in own if s not in by_index] == [KEYRING_ONLY, numbers_only]

    @pytest.mark.parametrize("name", [name for name in sorted(FUNCTIONS) if name.startswith("Recordings")])
    def test_recordings_see_no_binding_and_no_fact_but_those_of_calls(self, name: str) -> None:
        """Keyring, pauses and pace of the one table, calls of the other, never a search."""
        for statement in statements(name):
            where = json.dumps(statement["Resource"])
            if "Table" in where and "/stream/" not in where and "/index/" not in where:
                (keys,) = statement["Condition"].values()
                allowed = ["KEYRING", "PAUSE#*", "TOKENS#*"] if "BindingsTable" in where else ["CALL#*"]
                assert set(keys["dynamodb:LeadingKeys"]) <= set(allowed), statement["Sid"]

    def test_nobody_but_the_erasure_reads_a_table_whole_or_removes_a_fact(self) -> None:
        """A scan costs what a table holds, and what was pushed is the only record of it."""
        for name in FUNCTIONS:
            for statement in statements(name):
                actions = set(listed(statement["Action"]))
                keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
                of_runs = set(keys.get("dynamodb:LeadingKeys", ("*",))) <= {"RUNS", "RUN#*"}
                bills = "BillsTable" in json.dumps(statement["Resource"]) and not of_runs
                if "dynamodb:Scan" in actions or (bills and "dynamodb:DeleteItem" in actions):
                    assert name == "ErasureWorkerFunction", statement["Sid"]

    def test_a_run_of_the_erasure_ends_before_its_lease_does(self) -> None:
        """Else two runs could be at one round."""
        assert FUNCTIONS["ErasureWorkerFunction"]["Timeout"] < ERASURE_LEASE.total_seconds()

    @pytest.mark.parametrize("name", [name for name in sorted(FUNCTIONS) if name.startswith("Webhooks")])
    def test_webhooks_stay_outside_our_network_and_see_rows_of_webhooks_alone(self, name: str) -> None:
        """Their addresses are anybody's. Of people they read what an announcement holds, sealed."""
        assert "VpcConfig" not in FUNCTIONS[name]
        assert "OUTBOUND_PROXY" not in FUNCTIONS[name]["Environment"]["Variables"]
        own = {"WEBHOOKS#*", "EVENTS#*", "LINE#*", "ATTEMPTS#*", "REPLAYS#*"}
        of_bindings = {"KEYRING", "BINDING#*"} if name == "WebhooksNoteFunction" else {"KEYRING"}
        for statement in statements(name):
            where = json.dumps(statement["Resource"])
            if "Table" in where and "/stream/" not in where and "/index/" not in where:
                (keys,) = statement["Condition"].values()
                allowed = of_bindings if "BindingsTable" in where else own
                assert set(keys["dynamodb:LeadingKeys"]) <= allowed, statement["Sid"]
                assert "dynamodb:DeleteItem" not in listed(statement["Action"])

    def test_who_hands_bills_out_writes_no_bill_and_no_record(self) -> None:
        """Statements, closes and facts are others' to write; a move of a dispute is one transaction."""
        (put,) = [
            set(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            for statement in statements("BillsFunction")
            if "dynamodb:PutItem" in listed(statement["Action"])
            and "BillsTable" in json.dumps(statement["Resource"])
        ]
        assert {"DISPUTE#*", "DIFFERENCES#*", "ADJUSTMENTS#*"} <= put
        assert not put & {"STATEMENT#*", "CORRECTION#*", "DAY#*", "RECONCILIATION#*", "CALL#*", "SMS#*"}

    @pytest.mark.parametrize(
        ("name", "rows"),
        [
            ("BillingWorkerFunction", WHAT_CLOSES_WRITE),
            (
                "BillingFunction",
                WHAT_CLOSES_WRITE
                | {"RUNS", "RUN#*", "PLAN#*", "RECONCILIATION#*", "ADJUSTMENTS#*"}
                | {"CALL#*", "ICID#*", "SMS#*"},
            ),
        ],
    )
    def test_billing_writes_its_own_rows_and_those_of_what_is_imported(
        self, name: str, rows: set[str]
    ) -> None:
        """Versions, looks, runs under way; an import adds records. Prices are people's."""
        (put,) = [
            set(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            for statement in statements(name)
            if "dynamodb:PutItem" in listed(statement["Action"])
            and "BillsTable" in json.dumps(statement["Resource"])
        ]
        assert put == rows

    @pytest.mark.parametrize("name", ["WebhooksFunction", "WebhooksWorkerFunction"])
    def test_a_webhook_and_its_replay_are_put_by_leave_of_one_statement(self, name: str) -> None:
        """They are written in one transaction, whose keys are looked at together."""
        (put,) = [
            set(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])
            for statement in statements(name)
            if "dynamodb:PutItem" in listed(statement["Action"])
            and "WEBHOOKS#*" in json.dumps(statement.get("Condition", {}))
        ]
        assert put == {"WEBHOOKS#*", "REPLAYS#*"}

    def test_an_attempt_ends_before_its_claim_does(self) -> None:
        """Else two workers could be at one recording, or at one line of a webhook."""
        assert FUNCTIONS["RecordingsWorkerFunction"]["Timeout"] < LEASE.total_seconds()
        assert FUNCTIONS["ReconcileWorkerFunction"]["Timeout"] < RECONCILIATION_LEASE.total_seconds()
        assert FUNCTIONS["WebhooksWorkerFunction"]["Timeout"] < WEBHOOK_LEASE.total_seconds()

    @each_function
    def test_errors_throttles_and_slowness_raise_an_alarm(self, name: str) -> None:
        for metric in ("Errors", "Throttles", "Duration"):
            assert name in alarmed(metric, "FunctionName"), metric

    def test_the_duration_alarm_stands_at_80_percent_of_the_time_out(self) -> None:
        for alarm in ALARMS.values():
            if alarm["MetricName"] == "Duration":
                function = FUNCTIONS[target(alarm["Dimensions"][0]["Value"])]
                assert alarm["Threshold"] == function["Timeout"] * 1000 * 0.8
                assert alarm["ExtendedStatistic"] == "p99"

    @pytest.mark.parametrize("function", DEPLOYED, ids=lambda function: function.name)
    def test_a_handler_can_be_imported_with_the_layer_beside_it(self, function: Function) -> None:
        module, attribute = function.handler.rsplit(".", 1)
        path = os.pathsep.join([str(function.code), *map(str, function.layers)])
        environment = {name: value or "set" for name, value in function.environment.items()}
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}; assert callable({module}.{attribute})"],
            env={"PYTHONPATH": path, "AWS_DEFAULT_REGION": "cn-north-1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    @each_function
    def test_a_function_has_a_sample_event(self, name: str) -> None:
        """tests/packaged feeds every file of events/ to the function its name says."""
        assert [path.name for path in event_files() if function_of(path) == name]


class TestEnvironment:
    def test_every_variable_is_a_setting(self) -> None:
        for function in DEPLOYED:
            assert function.environment.keys() - RUNTIME_VARIABLES <= settings.VARIABLES, function.name

    def test_every_setting_is_given_to_a_function(self) -> None:
        assert set().union(*(function.environment for function in DEPLOYED)) >= settings.VARIABLES

    def test_who_speaks_with_the_platform_can_be_given_an_address_that_it_knows(self) -> None:
        """C-096; C-035: it answers addresses of the mainland, and may have an allow list."""
        speaks = {function.name for function in DEPLOYED if "OUTBOUND_PROXY" in function.environment}
        in_vpc = {name for name, properties in FUNCTIONS.items() if "VpcConfig" in properties}
        assert speaks <= in_vpc

    def test_the_choices_of_a_parameter_are_those_of_the_setting(self) -> None:
        parameters = CHINA["Parameters"]
        assert parameters["NonceCheck"]["AllowedValues"] == [choice.value for choice in settings.NonceCheck]
        assert parameters["PushSignature"]["AllowedValues"] == [
            choice.value for choice in settings.PushSignature
        ]
        assert parameters["WebhookTargets"]["AllowedValues"] == [
            choice.value for choice in settings.WebhookTargets
        ]
        assert parameters["RentAllocation"]["AllowedValues"] == [
            choice.value for choice in settings.RentAllocation
        ]
        assert parameters["PackageAllocation"]["AllowedValues"] == [
            choice.value for choice in settings.PackageAllocation
        ]


class TestQueues:
    @each_mapping
    def test_a_batch_reports_its_failures_and_is_limited(self, name: str) -> None:
        mapping = MAPPINGS[name]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 10

    @each_mapping
    def test_a_message_stays_hidden_six_times_as_long_as_its_batch_may_take(self, name: str) -> None:
        queue = QUEUES[target(MAPPINGS[name]["EventSourceArn"])]
        function = FUNCTIONS[target(MAPPINGS[name]["FunctionName"])]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]

    @each_mapping
    def test_what_fails_for_good_goes_to_dead_letters_for_14_days(self, name: str) -> None:
        redrive = QUEUES[target(MAPPINGS[name]["EventSourceArn"])]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] >= 3
        assert QUEUES[target(redrive["deadLetterTargetArn"])]["MessageRetentionPeriod"] == 14 * 86400

    @each_queue
    def test_a_queue_that_nobody_reads_raises_an_alarm_when_it_is_not_empty(self, name: str) -> None:
        read = {target(mapping["EventSourceArn"]) for mapping in MAPPINGS.values()}
        assert name in read or name in alarmed("ApproximateNumberOfMessagesVisible", "QueueName")

    @each_queue
    def test_a_queue_is_encrypted(self, name: str) -> None:
        assert QUEUES[name]["SqsManagedSseEnabled"] is True


class TestStreams:
    @each_stream
    def test_a_batch_of_a_stream_reports_its_failures_and_ends_somewhere(self, name: str) -> None:
        """What cannot be followed must neither block its shard for a day nor be forgotten."""
        mapping = STREAMS[name]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 2 <= mapping["MaximumRetryAttempts"] <= 100
        assert mapping["MaximumRecordAgeInSeconds"] <= 86_400
        assert target(mapping["DestinationConfig"]["OnFailure"]["Destination"]) in QUEUES

    @each_stream
    def test_a_stream_is_read_from_its_beginning_and_for_new_rows_only(self, name: str) -> None:
        """A row that is written between two deployments is followed too. Some also want changes."""
        assert STREAMS[name]["StartingPosition"] == "TRIM_HORIZON"
        patterns = [json.loads(f["Pattern"]) for f in STREAMS[name]["FilterCriteria"]["Filters"]]
        assert patterns
        both, of_new = ["INSERT", "MODIFY"], ["INSERT"]
        # A recording is one row that comes to its end; what else follows from a fact follows once.
        wanted = {"AuditSource": [both], "WebhooksNoteSource": [both], "FollowSource": [of_new, both]}
        assert [pattern["eventName"] for pattern in patterns] == wanted.get(name, [of_new] * len(patterns))

    @each_stream
    def test_a_function_that_falls_behind_raises_an_alarm(self, name: str) -> None:
        assert target(STREAMS[name]["FunctionName"]) in alarmed("IteratorAge", "FunctionName")

    def test_the_audit_is_not_told_of_its_own_rows(self) -> None:
        """Else each of them would make the next; the handler passes them over as well."""
        (told,) = STREAMS["AuditSource"]["FilterCriteria"]["Filters"]
        image = json.loads(told["Pattern"])["dynamodb"]["NewImage"]
        assert image == {"sk": {"S": ["BINDING", "NUMBER"]}}

    def test_the_audit_is_written_by_its_function_alone_and_only_added_to(self) -> None:
        """Append-only: nobody may change or delete a row, and nobody else may put one."""
        for function in FUNCTIONS:
            for statement in statements(function):
                where, actions = json.dumps(statement["Resource"]), set(listed(statement["Action"]))
                writes = actions & {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
                if "BindingsTable" not in where or not writes:
                    continue
                ((operator, condition),) = statement["Condition"].items()
                keys = condition["dynamodb:LeadingKeys"]
                if function == "AuditFunction":
                    assert (operator, keys, writes) == (
                        "ForAllValues:StringLike", ["AUDIT#*"], {"dynamodb:PutItem"},
                    )  # fmt: skip
                elif operator == "ForAllValues:StringNotLike":
                    assert keys == ["AUDIT#*"]
                else:
                    assert not [key for key in keys if key.startswith(("AUDIT", "*"))], statement["Sid"]

    def test_the_follower_may_move_numbers_remember_contacts_and_postpone_ends_alone(self) -> None:
        """It reads bindings for orphan calls only: an index says which one a call belongs to. Of X it asks
        whether it is one of ours."""
        own = [s for s in statements("FollowFunction") if "BindingsTable" in json.dumps(s["Resource"])]
        given = {
            (action, key)
            for s in own
            if "Condition" in s
            for action in listed(s["Action"])
            for key in next(iter(s["Condition"].values()))["dynamodb:LeadingKeys"]
        }
        assert given == {
            ("dynamodb:UpdateItem", "X#*"),
            ("dynamodb:GetItem", "X#*"),
            ("dynamodb:PutItem", "PARTY#*"),
            ("dynamodb:UpdateItem", "BINDING#*"),
            ("dynamodb:GetItem", "KEYRING"),
            ("dynamodb:BatchGetItem", "BARRED#*"),
            ("dynamodb:BatchGetItem", "BINDING#*"),
            ("dynamodb:GetItem", "BINDING#*"),
            ("dynamodb:BatchGetItem", "PARTY#*"),
            ("dynamodb:GetItem", "PARTY#*"),
            *(
                (f"dynamodb:{action}", key)
                for action in ("BatchGetItem", "PutItem", "UpdateItem")
                for key in ("PAUSE#*", "TOKENS#*")
            ),
        }
        searches = [s for s in own if "Condition" not in s]
        assert {action for s in searches for action in listed(s["Action"])} == {"dynamodb:Query"}
        assert {where["Fn::Sub"].rpartition("/")[2] for s in searches for where in listed(s["Resource"])} == {
            "by_subscription",
            "by_a",
            "by_b",
            "by_x",
        }

    @pytest.mark.parametrize("row", followed.ROWS.values(), ids=followed.ROWS)
    def test_the_follower_is_told_of_each_row_that_it_acts_on(self, row: Mapping[str, Any]) -> None:
        """What the filter holds back is never followed, without any sign of it; what it lets pass costs."""
        filters = STREAMS["FollowSource"]["FilterCriteria"]["Filters"]
        (record,) = stream_event([row])["Records"]
        told = any(passes(json.loads(each["Pattern"]), record) for each in filters)
        assert told is followed.acted_on(row)


class TestSchedules:
    @each_schedule
    def test_a_schedule_tries_again_and_keeps_what_it_cannot_deliver(self, name: str) -> None:
        goal = SCHEDULES[name]["Target"]
        assert goal["RetryPolicy"]["MaximumRetryAttempts"] >= 1
        assert target(goal["DeadLetterConfig"]["Arn"]) in QUEUES

    @each_schedule
    def test_a_scheduled_function_sends_its_failures_somewhere(self, name: str) -> None:
        """The Scheduler's own dead letters never hold a function's error: the invocation is asynchronous."""
        invoked = target(SCHEDULES[name]["Target"]["Arn"])
        configured = resources(CHINA, "AWS::Lambda::EventInvokeConfig").values()
        own = [c for c in configured if target(c["FunctionName"]) == invoked]
        assert [target(c["DestinationConfig"]["OnFailure"]["Destination"]) in QUEUES for c in own] == [True]

    @each_schedule
    def test_what_a_schedule_sends_is_known_to_its_function(self, name: str) -> None:
        given = json.loads(SCHEDULES[name]["Target"]["Input"])
        assert set(given) <= {"action"}
        assert given.get("action", "rate") in {"rate", "begin", "sweep", "count", "plan"}

    def test_there_are_a_minute_five_an_hour_and_a_beijing_day(self) -> None:
        expressions = {schedule["ScheduleExpression"] for schedule in SCHEDULES.values()}
        # 16:10, 01:00 and 10:00 UTC are 00:10, 09:00 and 18:00 in Beijing, which has no summer time.
        beijing = {"cron(10 16 * * ? *)", "cron(0 1 * * ? *)", "cron(0 10 25 * ? *)"}
        assert expressions == {"rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", *beijing}

    def test_the_scheduler_may_invoke_what_is_scheduled_and_nothing_else(self) -> None:
        role = resources(CHINA, "AWS::IAM::Role")["SchedulerRole"]
        given = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
        invoked = {target(s["Target"]["Arn"]) for s in SCHEDULES.values()}
        allowed = [s for s in given if s["Action"] == "lambda:InvokeFunction"]
        assert {target(arn) for s in allowed for arn in s["Resource"]} == invoked


class TestApi:
    def test_business_routes_want_a_signed_request(self) -> None:
        closed = {r["RouteKey"] for r in ROUTES.values() if r["AuthorizationType"] == "AWS_IAM"}
        assert closed == {
            "POST /bindings", "GET /bindings",
            "GET /bindings/{id}", "PATCH /bindings/{id}", "DELETE /bindings/{id}",
            "POST /bindings/{id}/partners", "DELETE /bindings/{id}/partners/{partner}",
            "PUT /bindings/{id}/callee", "POST /bindings/{id}/call", "POST /calls/{session}/stop",
            "GET /bindings/{id}/history", "GET /numbers/{x}/history",
            "GET /numbers", "PUT /numbers/{x}", "POST /numbers/import",
            "POST /numbers/{x}/release-all", "GET /drift", "POST /drift", "GET /drift/{run}",
            "POST /drift/{run}/{difference}", "GET /pool", "POST /pool/forecast",
            "POST /jobs", "GET /jobs/{job}", "GET /jobs/{job}/items", "POST /jobs/{job}/cancel",
            "GET /recordings/{session}", "POST /erasures", "GET /erasures/{erasure}", *calls.ROUTES,
            *webhooks.ROUTES, *bills.ROUTES,
        }  # fmt: skip

    def test_only_callbacks_are_open(self) -> None:
        """The platform cannot sign for AWS: the function checks token, source, signature, age and nonce."""
        opened = {r["RouteKey"] for r in ROUTES.values() if r["AuthorizationType"] == "NONE"}
        kinds = ("status", "fee", "sms", "number")
        assert opened == {f"POST /callbacks/{{app}}/{{token}}/{kind}" for kind in kinds}
        assert all(r["AuthorizationType"] in {"AWS_IAM", "NONE"} for r in ROUTES.values())

    def test_a_route_leads_to_the_function_of_its_room(self) -> None:
        for route in ROUTES.values():
            key = route["RouteKey"]
            rooms = {
                "callbacks": "Callbacks",
                "recordings": "Recordings",
                "erasures": "Erasure",
                "webhooks": "Webhooks",
            }
            own = {**dict.fromkeys(calls.ROUTES, "Calls"), **dict.fromkeys(bills.ROUTES, "Bills")}
            room = own.get(key) or rooms.get(key.split("/")[1], "Bindings")
            assert route["Target"] == {"Fn::Sub": f"integrations/${{{room}Integration}}"}

    def test_an_integration_outlasts_its_function_but_not_the_caller(self) -> None:
        for integration in resources(CHINA, "AWS::ApiGatewayV2::Integration").values():
            function = FUNCTIONS[target(integration["IntegrationUri"])]
            assert function["Timeout"] * 1000 < integration["TimeoutInMillis"] < 30_000
            assert integration["PayloadFormatVersion"] == "2.0"

    def test_requests_are_throttled_and_logged_without_path_or_query(self) -> None:
        """The path holds the callbacks' secret token, the query a person's number."""
        (stage,) = resources(CHINA, "AWS::ApiGatewayV2::Stage").values()
        assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
        assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0
        log = json.loads(stage["AccessLogSettings"]["Format"])
        assert log["route"] == "$context.routeKey"
        assert not re.search(
            r"\$context\.(path|protocol|.*query|http)", " ".join(log.values()), re.IGNORECASE
        )
        assert target(stage["AccessLogSettings"]["DestinationArn"]) in resources(CHINA, "AWS::Logs::LogGroup")


class TestStores:
    @pytest.mark.parametrize("name", ["BindingsTable", "BillsTable"])
    def test_a_table_is_on_demand_encrypted_recoverable_and_protected(self, name: str) -> None:
        resource = CHINA["Resources"][name]
        table = resource["Properties"]
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"]["SSEEnabled"] is True
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectTables", True, False]}
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"

    def test_an_index_of_a_table_is_one_that_the_store_names(self) -> None:
        tables = resources(CHINA, "AWS::DynamoDB::Table").values()
        defined = {index["IndexName"] for table in tables for index in table["GlobalSecondaryIndexes"]}
        modules = [
            import_module(found.name) for found in iter_modules(store.__path__, "privatenumber.store.")
        ]
        named = {
            value for module in modules for name, value in vars(module).items() if name.endswith("_INDEX")
        }
        assert defined == named | set(call_search.Index)

    def test_what_is_deleted_by_mistake_or_not_at_all_is_kept(self) -> None:
        for kind in ("AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::S3::Bucket"):
            for name in resources(CHINA, kind):
                assert CHINA["Resources"][name]["DeletionPolicy"] == "Retain", name

    @each_bucket
    def test_files_are_private_encrypted_and_travel_encrypted(self, name: str) -> None:
        bucket = BUCKETS[name]
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        policies = resources(CHINA, "AWS::S3::BucketPolicy").values()
        (policy,) = [policy for policy in policies if target(policy["Bucket"]) == name]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}

    def test_exchanged_files_are_forgotten_after_a_month_and_recordings_when_agreed(self) -> None:
        days = {
            name: [rule["ExpirationInDays"] for rule in bucket["LifecycleConfiguration"]["Rules"]]
            for name, bucket in BUCKETS.items()
        }
        assert days == {"ExchangeBucket": [31], "RecordingsBucket": [{"Ref": "RecordingRetentionDays"}]}

    @each_bucket
    def test_what_is_left_of_an_upload_is_removed(self, name: str) -> None:
        """A worker that dies cannot do it."""
        (rule,) = BUCKETS[name]["LifecycleConfiguration"]["Rules"]
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}

    def test_the_data_key_is_rotated(self) -> None:
        (key,) = resources(CHINA, "AWS::KMS::Key").values()
        assert key["EnableKeyRotation"] is True

    def test_the_secret_starts_as_one_that_can_be_read(self) -> None:
        (secret,) = resources(CHINA, "AWS::SecretsManager::Secret").values()
        assert parse_applications(secret["SecretString"]) == {}


class TestAlarms:
    @pytest.mark.parametrize("name", sorted(ALARMS))
    def test_an_alarm_tells_somebody_and_says_what_it_means(self, name: str) -> None:
        topic = {"Fn::If": ["OwnAlarmTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}
        assert ALARMS[name]["AlarmActions"] == [topic]
        assert ALARMS[name]["AlarmDescription"]

    def test_an_alarm_on_our_own_metric_watches_one_that_the_code_writes(self) -> None:
        code = "".join(
            p.read_text() for folder in ("layers", "functions") for p in (ROOT / folder).rglob("*.py")
        )
        for alarm in ALARMS.values():
            if alarm["Namespace"] == "PrivateNumber":
                assert f'"{alarm["MetricName"]}"' in code, alarm["MetricName"]
                (service,) = alarm["Dimensions"]
                assert f'"{service["Value"]}"' in code, service


class TestWhole:
    def test_no_arn_names_a_partition(self) -> None:
        """China's regions are the partition aws-cn."""
        assert not re.search(r"arn:aws(-cn)?:", TEXT)

    def test_managed_policies_are_those_of_the_partition(self) -> None:
        assert "arn:aws-cn:iam::aws:policy/" in json.dumps(CHINA)
        assert "arn:aws:iam" not in json.dumps(CHINA)

    def test_a_layer_is_built_for_the_runtime_and_architecture_of_the_functions(self) -> None:
        layers = [
            r for r in load(TEMPLATE)["Resources"].values() if r["Type"] == "AWS::Serverless::LayerVersion"
        ]
        assert [layer["Metadata"] for layer in layers] == 2 * [
            {"BuildMethod": {"Ref": "Runtime"}, "BuildArchitecture": {"Ref": "Architecture"}}
        ]

    def test_functions_bring_no_requirements_of_their_own(self) -> None:
        assert not list((ROOT / "functions").rglob("requirements.txt"))

    def test_every_parameter_and_condition_is_used(self) -> None:
        body = TEXT.split("\nGlobals:", 1)[1]
        for name in CHINA["Parameters"]:
            conditions = TEXT.split("\nConditions:", 1)[1].split("\nGlobals:", 1)[0]
            assert re.search(rf"\b{name}\b", body + conditions), name
        for name in CHINA["Conditions"]:
            assert re.search(rf"\b{name}\b", body), name
