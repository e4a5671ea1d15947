import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { App, Duration, Stack, aws_events as events, aws_lambda as lambda, aws_logs as logs, aws_sns as sns } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Redoubt, RedoubtProps } from '../src';

// That the construct makes what the SAM template makes, infra/checks tests. Here: what props change, and what is exposed.

const names = ['policy', 'data-source', 'user', 'integration', 'outcome', 'reconcile', 'mask', 'webhook'];
const binaries = mkdtempSync(join(tmpdir(), 'redoubt-cdk-test-'));
for (const name of names) {
  mkdirSync(join(binaries, name));
  writeFileSync(join(binaries, name, 'bootstrap'), '');
}

const secret = (name: string) => `arn:aws:secretsmanager:eu-west-1:123456789012:secret:redoubt/${name}-AbCdEf`;
const required: RedoubtProps = {
  binaries,
  warehouseArns: ['arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/analytics'],
  secretArns: [secret('system')],
};

function synthesise(props: Partial<RedoubtProps> = {}): { redoubt: Redoubt; stack: Stack; template: Template } {
  const stack = new Stack(new App(), 'Test');
  const redoubt = new Redoubt(stack, 'Redoubt', { ...required, ...props });
  return { redoubt, stack, template: Template.fromStack(stack) };
}

function statements(template: Template, description: RegExp): { Sid: string; Action: unknown; Resource: unknown }[] {
  const roles = Object.values(template.findResources('AWS::IAM::Role'));
  const role = roles.find((each) => description.test(each.Properties.Description));
  assert.ok(role, `a role described as ${description}`);
  return role.Properties.Policies[0].PolicyDocument.Statement;
}

describe('without more than what must be said', () => {
  const { redoubt, template } = synthesise();

  test('there is no webhook and nothing of it', () => {
    template.resourceCountIs('AWS::Lambda::Function', 7);
    template.resourceCountIs('AWS::Lambda::Url', 0);
    template.resourceCountIs('AWS::IAM::Role', 3);
    template.resourceCountIs('AWS::CloudWatch::Alarm', 40);
    assert.equal(redoubt.webhookUrl, undefined);
  });

  test('alarms tell nobody', () => {
    for (const alarm of Object.values(template.findResources('AWS::CloudWatch::Alarm'))) {
      assert.equal(alarm.Properties.AlarmActions, undefined);
    }
  });

  test('nobody reads credentials of setup accounts or uses keys of others', () => {
    const sids = statements(template, /integration function/).map((statement) => statement.Sid);
    assert.ok(sids.includes('Credentials'));
    assert.ok(!sids.includes('SetupCredentials'));
    assert.ok(!sids.includes('KeysOfCredentials'));
  });

  test('no grant is added beside those that are written down', () => {
    template.resourceCountIs('AWS::IAM::Policy', 0);
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 1);
  });
});

test('everything that others build on is exposed', () => {
  const { redoubt } = synthesise({ webhook: { secretArn: secret('webhook') } });
  assert.deepEqual([...redoubt.functions.keys()].sort(), [...names].sort());
  assert.equal(redoubt.queues.size, 6);
  assert.equal(redoubt.alarms.length, 43);
  assert.ok(redoubt.bus && redoubt.key && redoubt.table && redoubt.masterSecret && redoubt.invokeMaskPolicy);
  assert.ok(redoubt.undelivered && redoubt.dashboard && redoubt.webhookUrl);
});

test('only the integration function reads the credentials of setup accounts', () => {
  const { template } = synthesise({ setupSecretArns: [secret('setup')] });
  const readers = Object.values(template.findResources('AWS::IAM::Role')).filter((role) =>
    JSON.stringify(role.Properties.Policies).includes(secret('setup')),
  );
  assert.deepEqual(readers.map((role) => role.Properties.Description), ['What the integration function of Redoubt may do']);
});

test('names begin with the prefix', () => {
  const { template } = synthesise({ prefix: 'governance', eventBusName: 'governance-events' });
  for (const name of names.filter((each) => each !== 'webhook')) {
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: `governance-${name}`,
      Environment: { Variables: Match.objectLike({ REDOUBT_DEPLOYMENT: 'governance' }) },
    });
  }
  template.hasResourceProperties('AWS::DynamoDB::Table', { TableName: 'governance' });
  template.hasResourceProperties('AWS::Events::EventBus', { Name: 'governance-events' });
  template.hasResourceProperties('AWS::KMS::Alias', { AliasName: 'alias/governance' });
  for (const alarm of Object.values(template.findResources('AWS::CloudWatch::Alarm'))) {
    assert.match(alarm.Properties.AlarmName, /^governance-/);
  }
});

test('what can be chosen is passed on', () => {
  const { template, stack } = synthesise({
    architecture: lambda.Architecture.X86_64,
    archiveDays: 0,
    deletionProtection: false,
    dataSources: { size: 50, window: Duration.seconds(30), concurrency: 9 },
    failedStatements: 1,
    functionMemory: 2048,
    logFilter: 'debug',
    logRetention: logs.RetentionDays.ONE_YEAR,
    messageAge: Duration.minutes(1),
    propagation: Duration.seconds(30),
    reconcile: events.Schedule.rate(Duration.minutes(10)),
    users: { concurrency: 3 },
  });
  assert.ok(stack);
  template.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'redoubt-policy',
    Architectures: ['x86_64'],
    MemorySize: 2048,
    Environment: { Variables: Match.objectLike({ REDOUBT_LOG: 'debug' }) },
  });
  template.hasResourceProperties('AWS::Lambda::Function', { FunctionName: 'redoubt-mask', MemorySize: 1769 });
  template.hasResourceProperties('AWS::Events::Archive', { RetentionDays: 0, EventPattern: Match.absent() });
  template.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 50,
    MaximumBatchingWindowInSeconds: 30,
    ScalingConfig: { MaximumConcurrency: 9 },
  });
  template.hasResourceProperties('AWS::SQS::Queue', { QueueName: 'redoubt-data-source', VisibilityTimeout: 750 });
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 365 });
  template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(10 minutes)' });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'redoubt-propagation', Threshold: 30_000 });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'redoubt-oldest-message-user', Threshold: 60 });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'redoubt-failed-statements', Threshold: 1 });
});

test('alarms tell the topic when they begin and when they end', () => {
  const stack = new Stack(new App(), 'Test');
  const topic = new sns.Topic(stack, 'OnCall');
  new Redoubt(stack, 'Redoubt', { ...required, alarmTopic: topic });
  const alarms = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'));
  assert.equal(alarms.length, 40);
  for (const alarm of alarms) {
    assert.equal(alarm.Properties.AlarmActions.length, 1);
    assert.deepEqual(alarm.Properties.AlarmActions, alarm.Properties.OKActions);
  }
});

test('a webhook without a limit reserves nothing', () => {
  const { template } = synthesise({ webhook: { secretArn: secret('webhook'), concurrency: 0 } });
  template.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'redoubt-webhook',
    ReservedConcurrentExecutions: Match.absent(),
  });
});

test('what can not work is refused', () => {
  assert.throws(() => synthesise({ warehouseArns: [] }), /warehouseArns/);
  assert.throws(() => synthesise({ secretArns: [] }), /secretArns/);
  assert.throws(() => synthesise({ binaries: join(binaries, 'elsewhere') }), /make package/);
});
