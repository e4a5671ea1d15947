import { ArnFormat, Duration, RemovalPolicy, Stack, aws_iam as iam, aws_kms as kms } from 'aws-cdk-lib';
import { Construct } from 'constructs';

const ADMINISTRATION = [
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
  'kms:DescribeKey',
  'kms:EnableKey',
  'kms:DisableKey',
  'kms:EnableKeyRotation',
  'kms:DisableKeyRotation',
  'kms:RotateKeyOnDemand',
  'kms:GetKeyPolicy',
  'kms:PutKeyPolicy',
  'kms:GetKeyRotationStatus',
  'kms:ListKeyRotations',
  'kms:ListGrants',
  'kms:ListKeyPolicies',
  'kms:ListResourceTags',
  'kms:RevokeGrant',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:ScheduleKeyDeletion',
  'kms:CancelKeyDeletion',
];

/** The host by which KMS knows that a service asks in somebody's name. */
export function via(scope: Construct, service: string): string {
  const stack = Stack.of(scope);
  return `${service}.${stack.region}.${stack.urlSuffix}`;
}

/**
 * The key. It can be used through the services below and by nobody directly; who may, IAM policies of the account say. A service
 * that acts for itself is admitted for what belongs to this deployment.
 */
export function createKey(scope: Construct, prefix: string, eventBusName: string): kms.Key {
  const stack = Stack.of(scope);
  const account = new iam.AccountRootPrincipal();
  const eventBridge = new iam.ServicePrincipal('events.amazonaws.com');
  const allow = (sid: string, principal: iam.IPrincipal, actions: string[], conditions?: Record<string, unknown>) =>
    new iam.PolicyStatement({ sid, principals: [principal], actions, resources: ['*'], conditions });
  const arn = (service: string, resource: string, resourceName: string, arnFormat: ArnFormat) =>
    stack.formatArn({ service, resource, resourceName, arnFormat });
  const services = ['dynamodb', 'secretsmanager', 'sqs'].map((service) => via(scope, service));

  const key = new kms.Key(scope, 'Key', {
    description: 'Encrypts what Redoubt stores. Without it metadata, backups and the master secret are lost.',
    enableKeyRotation: true,
    pendingWindow: Duration.days(30),
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    policy: new iam.PolicyDocument({
      statements: [
        allow('Administer', account, ADMINISTRATION),
        allow(
          'UseThroughServices',
          account,
          ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
          { StringEquals: { 'kms:ViaService': services } },
        ),
        allow('GrantToTable', account, ['kms:CreateGrant'], {
          StringEquals: { 'kms:ViaService': via(scope, 'dynamodb') },
          Bool: { 'kms:GrantIsForAWSResource': true },
        }),
        allow('DeliverToQueues', eventBridge, ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'], {
          StringEquals: { 'aws:SourceAccount': stack.account },
        }),
        allow('KeepEvents', eventBridge, ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:ReEncrypt*'], {
          StringEquals: {
            'kms:EncryptionContext:aws:events:event-bus:arn': ['archive', 'event-bus'].map((resource) =>
              arn('events', resource, eventBusName, ArnFormat.SLASH_RESOURCE_NAME),
            ),
          },
        }),
        allow(
          'KeepLogs',
          new iam.ServicePrincipal(`logs.${stack.region}.${stack.urlSuffix}`),
          ['kms:Decrypt*', 'kms:Describe*', 'kms:Encrypt*', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
          {
            ArnLike: {
              'kms:EncryptionContext:aws:logs:arn': arn(
                'logs',
                'log-group',
                `/aws/lambda/${prefix}-*`,
                ArnFormat.COLON_RESOURCE_NAME,
              ),
            },
          },
        ),
      ],
    }),
  });
  new kms.Alias(scope, 'KeyAlias', { aliasName: `alias/${prefix}`, targetKey: sealed(scope, key) });
  return key;
}

/** The same key for constructs that would otherwise open its policy to themselves. */
export function sealed(scope: Construct, key: kms.IKey): kms.IKey {
  const id = 'SealedKey';
  return (scope.node.tryFindChild(id) as kms.IKey | undefined) ?? kms.Key.fromKeyArn(scope, id, key.keyArn);
}
