#!/usr/bin/env python3
"""Drives the Cloud Map fake with boto3 and compares every answer with botocore's service model.

Usage: boto3_check.py URL

Both protocols of the service model are driven: CBOR, which boto3 prefers, and JSON 1.1, which the SDK for Rust speaks. boto3's own
parser drops what the model does not have, so the body is read here as well, and each of its members must be in the model with the
model's type. Ends with a line `N passed, 0 failed`.
"""

import datetime
import json
import sys
import uuid

import boto3
import botocore.config
import botocore.exceptions
import botocore.parsers
import botocore.session

from service_model import compare

PROTOCOLS = ["smithy-rpc-v2-cbor", "json"]


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, problem=None):
        if problem:
            self.failed += 1
            print(f"FAILED {name}: {problem}")
        else:
            self.passed += 1


class Driver:
    """A client of one protocol whose answers are compared with the model."""

    def __init__(self, url, protocol, report):
        self.protocol = protocol
        self.report = report
        self.body = None
        session = botocore.session.Session()
        session.register("before-parse.servicediscovery", self.remember)
        self.model = session.get_service_model("servicediscovery")
        session.get_component("data_loader").load_service_model = self.loader(session)
        self.client = boto3.Session(
            botocore_session=session,
            aws_access_key_id="AKIDBOTO3",
            aws_secret_access_key="secret",
            region_name="us-west-2",
        ).client(
            "servicediscovery",
            endpoint_url=url,
            # The fake has to refuse what boto3 would not even send, and what is refused once need not be tried again.
            config=botocore.config.Config(
                inject_host_prefix=False, parameter_validation=False, retries={"total_max_attempts": 1}
            ),
        )

    def loader(self, session):
        """Loads service models, that of Cloud Map with this driver's protocol alone."""
        load = session.get_component("data_loader").load_service_model

        def load_with_protocol(service, kind, api_version=None):
            loaded = load(service, kind, api_version)
            if service == "servicediscovery" and kind == "service-2":
                loaded["metadata"].update(protocol=self.protocol, protocols=[self.protocol])
            return loaded

        return load_with_protocol

    def remember(self, response_dict, **_):
        self.body = response_dict

    def call(self, operation, **arguments):
        """Calls, and checks the answer's members against the model."""
        method = boto3_name(operation)
        parsed = getattr(self.client, method)(**arguments)
        shape = self.model.operation_model(operation).output_shape
        body = self.decode()
        problems = list(compare(body, shape, operation)) if shape else [f"{operation} has no output"] * bool(body)
        self.report.check(f"{self.protocol} {operation} {arguments}", "; ".join(problems))
        return parsed

    def refuse(self, operation, error, arguments):
        """Calls in vain: the answer must be the modelled exception of that name, or the unmodelled code."""
        name = f"{self.protocol} {operation} {arguments} is {error}"
        client = self.client
        try:
            getattr(client, boto3_name(operation))(**arguments)
        except botocore.exceptions.ClientError as refusal:
            code = refusal.response["Error"]["Code"]
            modelled = self.model.shape_for_error_code(code)
            kind = getattr(client.exceptions, error, None) if modelled else botocore.exceptions.ClientError
            problems = []
            if code != error:
                problems.append(f"the code is {code}")
            elif not isinstance(refusal, kind):
                problems.append(f"the exception is {type(refusal).__name__}")
            elif not refusal.response["Error"]["Message"]:
                problems.append("there is no message")
            elif modelled:
                body = {key: value for key, value in self.decode().items() if key != "__type"}
                problems += compare(body, modelled, error)
            self.report.check(name, "; ".join(problems))
        else:
            self.report.check(name, "it was answered")

    def decode(self):
        body = self.body["body"]
        if not body:
            return {}
        if self.protocol == "json":
            return json.loads(body)
        parser = botocore.parsers.RpcV2CBORParser()
        return parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def boto3_name(operation):
    return botocore.xform_name(operation)


def expect(report, name, found, wanted):
    report.check(name, None if found == wanted else f"{found!r}, expected {wanted!r}")


def make_world(driver, suffix):
    """Two namespaces with a service each, made as a user would."""
    http = driver.call("CreateHttpNamespace", Name=f"http-{suffix}", Description="for a check", Tags=[{"Key": "team", "Value": "a"}])
    dns = driver.call("CreatePrivateDnsNamespace", Name=f"dns-{suffix}.local", Vpc="vpc-1")
    ids = []
    for started in (http, dns):
        operation = driver.call("GetOperation", OperationId=started["OperationId"])["Operation"]
        expect(driver.report, "an operation has succeeded", operation["Status"], "SUCCESS")
        ids.append(operation["Targets"]["NAMESPACE"])
    web = driver.call(
        "CreateService",
        Name="web",
        NamespaceId=ids[0],
        HealthCheckCustomConfig={"FailureThreshold": 1},
        Tags=[{"Key": "env", "Value": "test"}],
    )
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}, {"Type": "SRV", "TTL": 60}]}
    db = driver.call("CreateService", Name="db", NamespaceId=ids[1], DnsConfig=records)
    return ids, web["Service"], db["Service"]


def check_setup(driver, web, db):
    for index in range(3):
        attributes = {"AWS_INSTANCE_IPV4": f"10.0.0.{index}", "AWS_INSTANCE_PORT": "80", "stage": "a b"}
        driver.call("RegisterInstance", ServiceId=web["Id"], InstanceId=f"i-{index}", Attributes=attributes)
    driver.call("RegisterInstance", ServiceId=db["Id"], InstanceId="i-db", Attributes={"AWS_EC2_INSTANCE_ID": "i-0abc"})
    driver.call("UpdateInstanceCustomHealthStatus", ServiceId=web["Id"], InstanceId="i-1", Status="UNHEALTHY")
    driver.call("UpdateServiceAttributes", ServiceId=web["Id"], Attributes={"Port": "80"})
    driver.call("TagResource", ResourceARN=web["Arn"], Tags=[{"Key": "owner", "Value": ""}])


def check_control_plane(driver, ids, web, db):
    report = driver.report
    namespaces = driver.call("ListNamespaces", MaxResults=100)["Namespaces"]
    expect(report, "both namespaces are listed", [n["Id"] for n in namespaces if n["Id"] in ids], ids)
    named = [{"Name": "NAME", "Values": ["http-"], "Condition": "BEGINS_WITH"}]
    driver.call("ListNamespaces", Filters=named)
    http = driver.call("GetNamespace", Id=ids[0])["Namespace"]
    expect(report, "a date is a date", type(http["CreateDate"]), datetime.datetime)
    driver.call("GetNamespace", Id=http["Arn"])
    listed = driver.call("ListServices", Filters=[{"Name": "NAMESPACE_ID", "Values": [ids[0]], "Condition": "EQ"}])
    expect(report, "the filter keeps one service", [s["Name"] for s in listed.get("Services", [])], ["web"])
    whole = driver.call("GetService", Id=db["Id"])["Service"]
    expect(report, "a service names its namespace", whole["NamespaceId"], ids[1])
    first = driver.call("ListInstances", ServiceId=web["Id"], MaxResults=2)
    rest = driver.call("ListInstances", ServiceId=web["Id"], MaxResults=2, NextToken=first["NextToken"])
    found = [instance["Id"] for page in (first, rest) for instance in page["Instances"]]
    expect(report, "two pages have three instances", found, ["i-0", "i-1", "i-2"])
    driver.call("GetInstance", ServiceId=web["Id"], InstanceId="i-1")
    health = driver.call("GetInstancesHealthStatus", ServiceId=web["Id"], MaxResults=2)
    expect(report, "health has pages", "NextToken" in health, True)
    health = driver.call("GetInstancesHealthStatus", ServiceId=web["Id"], Instances=["i-1"])
    expect(report, "health is what was reported", health["Status"], {"i-1": "UNHEALTHY"})
    attributes = driver.call("GetServiceAttributes", ServiceId=web["Id"])["ServiceAttributes"]
    expect(report, "a service has attributes", attributes["Attributes"], {"Port": "80"})
    tags = driver.call("ListTagsForResource", ResourceARN=web["Arn"])["Tags"]
    expect(report, "a service has tags", sorted(tag["Key"] for tag in tags), ["env", "owner"])


def check_data_plane(driver, suffix):
    report = driver.report
    names = {"NamespaceName": f"http-{suffix}", "ServiceName": "web"}

    def discover(**more):
        answer = driver.call("DiscoverInstances", **names, **more)
        return sorted(instance["InstanceId"] for instance in answer["Instances"])

    expect(report, "ALL", discover(HealthStatus="ALL"), ["i-0", "i-1", "i-2"])
    expect(report, "HEALTHY", discover(HealthStatus="HEALTHY"), ["i-0", "i-2"])
    expect(report, "UNHEALTHY", discover(HealthStatus="UNHEALTHY"), ["i-1"])
    expect(report, "HEALTHY_OR_ELSE_ALL", discover(HealthStatus="HEALTHY_OR_ELSE_ALL"), ["i-0", "i-2"])
    expect(report, "MaxResults", len(discover(HealthStatus="ALL", MaxResults=2)), 2)
    query = {"AWS_INSTANCE_IPV4": "10.0.0.2"}
    expect(report, "QueryParameters", discover(HealthStatus="ALL", QueryParameters=query), ["i-2"])
    expect(report, "OptionalParameters", discover(HealthStatus="ALL", OptionalParameters={"no": "such"}), ["i-0", "i-1", "i-2"])
    unknown = driver.call("DiscoverInstances", NamespaceName=names["NamespaceName"], ServiceName="none")
    expect(report, "an unknown service is empty", unknown["Instances"], [])
    revision = driver.call("DiscoverInstancesRevision", **names)["InstancesRevision"]
    expect(report, "a revision is above 2^53", revision > 2**53, True)


def check_refusals(driver, ids, web, suffix):
    namespace = f"http-{suffix}"
    driver.refuse("DiscoverInstances", "NamespaceNotFound", {"NamespaceName": "none", "ServiceName": "web"})
    driver.refuse("DiscoverInstancesRevision", "ServiceNotFound", {"NamespaceName": namespace, "ServiceName": "none"})
    too_many = {"NamespaceName": namespace, "ServiceName": "web", "MaxResults": 1001}
    driver.refuse("DiscoverInstances", "InvalidInput", too_many)
    driver.refuse("DiscoverInstances", "InvalidInput", {"NamespaceName": namespace})
    driver.refuse("ListServices", "InvalidInput", {"MaxResults": 101})
    driver.refuse("DiscoverInstances", "InvalidInput", {"NamespaceName": namespace, "ServiceName": "a b"})
    driver.refuse("DiscoverInstances", "InvalidInput", {"NamespaceName": namespace, "ServiceName": "web", "HealthStatus": "SOME"})
    driver.refuse("ListServices", "InvalidInput", {"NextToken": "none of ours"})
    driver.refuse("GetNamespace", "NamespaceNotFound", {"Id": "ns-none"})
    driver.refuse("GetService", "ServiceNotFound", {"Id": "srv-none"})
    driver.refuse("ListInstances", "ServiceNotFound", {"ServiceId": "srv-none"})
    driver.refuse("GetServiceAttributes", "ServiceNotFound", {"ServiceId": "srv-none"})
    driver.refuse("GetInstance", "InstanceNotFound", {"ServiceId": web["Id"], "InstanceId": "none"})
    driver.refuse("GetOperation", "OperationNotFound", {"OperationId": "none"})
    driver.refuse("ListTagsForResource", "ResourceNotFoundException", {"ResourceARN": "arn:none"})
    driver.refuse("CreateHttpNamespace", "NamespaceAlreadyExists", {"Name": namespace})
    driver.refuse("CreateService", "ServiceAlreadyExists", {"Name": "web", "NamespaceId": ids[0]})
    driver.refuse("DeleteNamespace", "ResourceInUse", {"Id": ids[0]})
    driver.refuse("DeleteService", "ResourceInUse", {"Id": web["Id"]})
    driver.refuse("DeregisterInstance", "InstanceNotFound", {"ServiceId": web["Id"], "InstanceId": "none"})
    driver.refuse("ListOperations", "UnknownOperationException", {})


def check_removal(driver, ids, web, db):
    for index in range(3):
        driver.call("DeregisterInstance", ServiceId=web["Id"], InstanceId=f"i-{index}")
    driver.refuse("UpdateInstanceCustomHealthStatus", "CustomHealthNotFound",
                  {"ServiceId": db["Id"], "InstanceId": "i-db", "Status": "HEALTHY"})
    driver.call("DeregisterInstance", ServiceId=db["Id"], InstanceId="i-db")
    driver.call("DeleteService", Id=web["Id"])
    driver.call("DeleteService", Id=db["Id"])
    for namespace in ids:
        driver.call("DeleteNamespace", Id=namespace)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    report = Report()
    for protocol in PROTOCOLS:
        driver = Driver(sys.argv[1], protocol, report)
        suffix = uuid.uuid4().hex[:8]
        ids, web, db = make_world(driver, suffix)
        check_setup(driver, web, db)
        check_control_plane(driver, ids, web, db)
        check_data_plane(driver, suffix)
        check_refusals(driver, ids, web, suffix)
        check_removal(driver, ids, web, db)
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
