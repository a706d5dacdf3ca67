"""How long a scan takes beside the same calls made bare.

Both run in one process against one moto server (another process, on the loopback), one after the other, several times:
the scan as it is, and boto3's clients, paginators and a thread pool of the same size. The calls are those that the scan
said it made; the bare run makes the same number of each, in each account and region.

    .venv/bin/python tests/bench/bench_scan.py [accounts] [rounds]
"""

# ruff: noqa: T201 - it talks to whoever runs it

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import boto3  # noqa: E402 - the checkout has to be on the path first
from botocore import xform_name  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

from auditkit.model.inventory import Call  # noqa: E402
from auditkit.scan import Wanted, scan  # noqa: E402
from auditkit.scan.sessions import THREADS  # noqa: E402
from tests import aws, standin  # noqa: E402

SERVE = "from tests import standin; import time; print(standin.server(), flush=True); time.sleep(3600)"
PARAMS: dict[str, dict[str, Any]] = {
    "DescribeNetworkInterfaces": {"IncludeManagedResources": True},
    "DescribeRegions": {"AllRegions": True},
}


def fill(endpoint: str, accounts: int) -> None:
    """Make an organization: two VPCs of five subnets and interfaces in every account and region, with flow logs."""
    built = aws.organization(endpoint)
    organizations = built.client("organizations")
    for number in range(accounts - 4):
        email = f"a{number}@example.org"
        made = organizations.create_account(AccountName=f"a{number}", Email=email)
        account = made["CreateAccountStatus"]["AccountId"]
        for region in standin.REGIONS:
            ec2 = built.client("ec2", account, region)
            for block in ("10.8", "10.9"):
                vpc = ec2.create_vpc(CidrBlock=f"{block}.0.0/16")["Vpc"]["VpcId"]
                for net in range(5):
                    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"{block}.{net}.0/24")["Subnet"]["SubnetId"]
                    ec2.create_network_interface(SubnetId=subnet)
                arn = f"arn:aws:s3:::{aws.BUCKET}"
                ec2.create_flow_logs(
                    ResourceType="VPC",
                    ResourceIds=[vpc],
                    TrafficType="ALL",
                    LogDestinationType="s3",
                    LogDestination=arn,
                )
        built.clients.clear()


def scanned(wanted: Wanted) -> list[Call]:
    """Scan."""
    calls: list[Call] = []
    scan(boto3.Session(**aws.CREDENTIALS, region_name="us-east-1"), wanted, calls.extend, lambda *_: None)
    return calls


def timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds of the clock and of this process's work."""
    wall, work = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - work


def bare(calls: list[Call], wanted: Wanted) -> None:
    """Make the same calls with boto3 alone.

    A client for each account, service and region, as any program has to make; the EC2 listings through paginators.
    """
    caller = boto3.Session(**aws.CREDENTIALS, region_name="us-east-1")
    config = Config(max_pool_connections=THREADS)
    sts = caller.client("sts", config=config)
    management = sts.get_caller_identity()["Account"]
    sessions = {management: caller}

    def enter(account: str) -> None:
        arn = f"arn:aws:iam::{account}:role/{wanted.role_name}"
        got = sts.assume_role(RoleArn=arn, RoleSessionName="bench")["Credentials"]
        # The loader of models is shared, as boto3's documentation advises for many sessions; reading EC2's anew for
        # each account would flatter the scan.
        session = boto3.Session(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"], "us-east-1")
        session._session.register_component("data_loader", caller._session.get_component("data_loader"))
        sessions[account] = session

    places: dict[tuple[str, str, str], list[Call]] = {}
    for call in calls:
        # S3 Control's host name begins with the account, which the loopback's address cannot.
        if call.service not in ("sts", "s3control") and call.page == 1:
            asker = management if call.service == "organizations" else call.account_id
            places.setdefault((asker, call.service, call.region), []).append(call)

    def make(client: Any, call: Call) -> None:
        method = xform_name(call.operation)
        params = PARAMS.get(call.operation, {}) | _about(call)
        try:
            if call.service == "ec2" and client.can_paginate(method):
                for _ in client.get_paginator(method).paginate(**params):
                    pass
            else:
                getattr(client, method)(**params)
        except ClientError:
            pass

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(enter, {call.account_id for call in calls if call.operation == "AssumeRole"}))
        waiting = []
        for (account, service, region), some in places.items():
            at = "us-east-1" if region == "global" else region
            client = sessions[account].client(service, region_name=at, config=config)
            waiting += [pool.submit(make, client, call) for call in some]
        for future in waiting:
            future.result()


def _about(call: Call) -> dict[str, Any]:
    """The parameters of a call about one thing."""
    name = call.resource
    if call.service == "s3":
        owner = (call.asked or {}).get("ExpectedBucketOwner")
        return {"Bucket": name} | ({"ExpectedBucketOwner": owner} if owner else {})
    if call.service == "iam":
        keys = {"GetPolicy": {"PolicyArn": name}, "GetPolicyVersion": {"PolicyArn": name, "VersionId": "v1"}}
        role, _, policy = name.partition("/")
        return keys.get(call.operation) or {"RoleName": role} | ({"PolicyName": policy} if policy else {})
    return {
        "ListTagsForResource": {"ResourceId": name},
        "DescribeLogStreams": {"logGroupName": name, "limit": 50},
        "GetManagedPrefixListEntries": {"PrefixListId": name},
        "DescribeKey": {"KeyId": name},
        "GetKeyPolicy": {"KeyId": name, "PolicyName": "default"},
        "LookupEvents": {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]},
    }.get(call.operation, {})


def main() -> None:
    """Measure, and print."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    accounts, rounds = int(words[0]) if words else 20, int(words[1]) if len(words) > 1 else 3
    os.environ |= {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    os.environ |= {"NO_PROXY": "127.0.0.1", "AWS_EC2_METADATA_DISABLED": "true"}
    server = subprocess.Popen([sys.executable, "-c", SERVE], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        endpoint = server.stdout.readline().strip()
        urlopen(f"{endpoint}/moto-api/data.json").close()
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        fill(endpoint, accounts)
        wanted = Wanted(aws.ROLE, None, None, (), None)
        calls = scanned(wanted)
        pairs = [(timed(lambda: scanned(wanted)), timed(lambda: bare(calls, wanted))) for _ in range(rounds)]
    finally:
        server.terminate()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"cores {os.cpu_count()}, threads {THREADS}, accounts {accounts}, regions {len(standin.REGIONS)}")
    print(f"requests {len(calls)}: {json.dumps(dict(Counter(call.service for call in calls).most_common()))}")
    print(f"load {os.getloadavg()[0]:.1f}, peak memory {peak:.0f} MB")
    for what, at in (("wall", 0), ("CPU", 1)):
        ours, theirs = [one[at] for one, _ in pairs], [other[at] for _, other in pairs]
        told = [
            f"{name} " + " ".join(f"{one:.2f}" for one in some) for name, some in (("scan", ours), ("bare", theirs))
        ]
        print(f"{what:4} s: {'; '.join(told)}; best of each, scan / bare: {min(ours) / min(theirs):.2f}")


if __name__ == "__main__":
    main()
