import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, Stack, aws_events as events, aws_iam as iam, aws_sns as sns } from 'aws-cdk-lib';
import { Redoubt } from '../src';

// A stack of one's own that embeds Redoubt: its catalog sends events to the bus, its team is told by the topic.

/** What `make package` built; without it empty functions, so that the template can be looked at. */
function binaries(): string | undefined {
  if (existsSync(join(__dirname, '..', '..', '..', '..', 'target', 'lambda', 'policy', 'bootstrap'))) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'redoubt-cdk-'));
  for (const name of ['policy', 'data-source', 'user', 'integration', 'outcome', 'reconcile', 'mask', 'webhook']) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'bootstrap'), '');
  }
  return directory;
}

const app = new App({ analyticsReporting: false });
const stack = new Stack(app, 'Governance', { description: 'A stack that embeds Redoubt' });
const topic = sns.Topic.fromTopicArn(stack, 'OnCall', stack.formatArn({ service: 'sns', resource: 'on-call' }));
const warehouse = iam.Role.fromRoleName(stack, 'WarehouseRole', 'redshift-analytics');

const redoubt = new Redoubt(stack, 'Redoubt', {
  binaries: binaries(),
  warehouseArns: [stack.formatArn({ service: 'redshift-serverless', resource: 'workgroup', resourceName: 'analytics' })],
  secretArns: ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:redoubt/system-AbCdEf'],
  setupSecretArns: ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:redoubt/setup-GhIjKl'],
  secretKeyArns: ['arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555'],
  webhook: { secretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:redoubt/webhook-MnOpQr' },
  maskInvokers: [warehouse],
  alarmTopic: topic,
});

const catalog = new iam.Role(stack, 'Catalog', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
redoubt.bus.grantPutEventsTo(catalog);
new CfnOutput(stack, 'Bus', { value: redoubt.bus.eventBusName });
if (redoubt.webhookUrl !== undefined) new CfnOutput(stack, 'Webhook', { value: redoubt.webhookUrl.url });
// What the stack adds around it: somebody to look into every alarm, here as events.
new events.Rule(stack, 'EveryAlarm', {
  eventPattern: { source: ['aws.cloudwatch'], resources: redoubt.alarms.map((alarm) => alarm.alarmArn) },
  enabled: false,
});
