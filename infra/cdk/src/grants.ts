import { ArnFormat, Stack, aws_dynamodb as dynamodb, aws_iam as iam, aws_kms as kms, aws_sqs as sqs } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { via } from './key';

const READS = ['dynamodb:GetItem', 'dynamodb:Query'];
const WRITES = ['dynamodb:DeleteItem', 'dynamodb:UpdateItem'];

/** The statements that roles are made of. Every one names its resources, where the service knows any. */
export class Grants {
  constructor(
    private readonly scope: Construct,
    private readonly prefix: string,
    private readonly key: kms.IKey,
    private readonly table: dynamodb.ITable,
  ) {}

  /** A role for functions that has these statements, those for logs, and nothing that is granted elsewhere. */
  role(id: string, description: string, functions: readonly string[], statements: iam.PolicyStatement[]): iam.Role {
    return new iam.Role(this.scope, id, {
      description,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { redoubt: new iam.PolicyDocument({ statements: [...statements, this.logs(functions)] }) },
    });
  }

  receive(queues: sqs.IQueue[]): iam.PolicyStatement {
    const actions = ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'];
    return allow('Receive', actions.map((action) => `sqs:${action}`), queues.map((queue) => queue.queueArn));
  }

  /** The batch call needs the permission of the single one. */
  send(queues: sqs.IQueue[]): iam.PolicyStatement {
    return allow('Send', ['sqs:SendMessage'], queues.map((queue) => queue.queueArn));
  }

  keyOfQueues(): iam.PolicyStatement {
    return this.useKey('KeyOfQueues', ['kms:Decrypt', 'kms:GenerateDataKey'], 'sqs');
  }

  metadata(): iam.PolicyStatement[] {
    return [allow('Metadata', [...READS, ...WRITES], [this.table.tableArn]), this.keyOfTable()];
  }

  readMetadata(): iam.PolicyStatement[] {
    const key = this.useKey('KeyOfTable', ['kms:Decrypt', 'kms:DescribeKey'], 'dynamodb');
    return [allow('WhoMayUnmask', READS, [this.table.tableArn]), key];
  }

  /** Notes of deliveries, and no other records. */
  deliveries(): iam.PolicyStatement[] {
    const only = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['delivery#*'] } };
    const actions = ['dynamodb:GetItem', 'dynamodb:UpdateItem'];
    return [allow('Deliveries', actions, [this.table.tableArn], only), this.keyOfTable()];
  }

  /** Describing knows no resource; the Data API limits it to the role's own statements. */
  statements(warehouses: string[]): iam.PolicyStatement[] {
    const submit = ['redshift-data:BatchExecuteStatement', 'redshift-data:ExecuteStatement'];
    return [
      allow('SubmitStatements', submit, warehouses),
      allow('FollowStatements', ['redshift-data:DescribeStatement', 'redshift-data:GetStatementResult'], ['*']),
    ];
  }

  secrets(sid: string, arns: string[]): iam.PolicyStatement[] {
    return arns.length === 0 ? [] : [allow(sid, ['secretsmanager:GetSecretValue'], arns)];
  }

  keysOfSecrets(arns: string[]): iam.PolicyStatement[] {
    if (arns.length === 0) return [];
    const condition = { StringEquals: { 'kms:ViaService': via(this.scope, 'secretsmanager') } };
    return [allow('KeysOfCredentials', ['kms:Decrypt'], arns, condition)];
  }

  keyOfSecret(): iam.PolicyStatement {
    return this.useKey('KeyOfSecret', ['kms:Decrypt'], 'secretsmanager');
  }

  private keyOfTable(): iam.PolicyStatement {
    const actions = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'];
    return this.useKey('KeyOfTable', actions, 'dynamodb');
  }

  private useKey(sid: string, actions: string[], service: string): iam.PolicyStatement {
    const condition = { StringEquals: { 'kms:ViaService': via(this.scope, service) } };
    return allow(sid, actions, [this.key.keyArn], condition);
  }

  private logs(functions: readonly string[]): iam.PolicyStatement {
    const arns = functions.map((name) =>
      Stack.of(this.scope).formatArn({
        service: 'logs',
        resource: 'log-group',
        resourceName: `/aws/lambda/${this.prefix}-${name}:*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );
    return allow('Logs', ['logs:CreateLogStream', 'logs:PutLogEvents'], arns);
  }
}

function allow(
  sid: string,
  actions: string[],
  resources: string[],
  conditions?: Record<string, Record<string, unknown>>,
): iam.PolicyStatement {
  return new iam.PolicyStatement({ sid, actions, resources, conditions });
}
