"""The two templates under test, each read once."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import resolve
from resolve import Resources

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
SAM = REPOSITORY / "infra" / "template.yaml"
CDK = REPOSITORY / "infra" / "cdk" / "dist" / "cdk.out" / "Governance.template.json"

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:redoubt/"

# What infra/cdk/example/app.ts says; everything else is left to the defaults, which must be the same too.
PARAMETERS = {
    "WarehouseArns": "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/analytics",
    "SecretArns": f"{SECRET}system-AbCdEf",
    "SetupSecretArns": f"{SECRET}setup-GhIjKl",
    "SecretKeyArns": "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "WebhookSecretArn": f"{SECRET}webhook-MnOpQr",
    "MaskInvokerRoles": "redshift-analytics",
    "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call",
}


@functools.cache
def from_sam() -> Resources:
    return resolve.sam(SAM, PARAMETERS)


@functools.cache
def from_cdk() -> Resources:
    return resolve.cdk(CDK, "Governance/Redoubt")
