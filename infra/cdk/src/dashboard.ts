import { Stack, aws_cloudwatch as cloudwatch } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { WORKERS } from './messaging';

type Row = (string | Record<string, string>)[];

/** One dashboard for the whole deployment, three widgets a row. */
export function createDashboard(scope: Construct, prefix: string): cloudwatch.CfnDashboard {
  const own = (metric: string, stat?: string): Row => [
    'Redoubt',
    metric,
    'Deployment',
    prefix,
    ...(stat === undefined ? [] : [{ stat }]),
  ];
  const queue = (metric: string, name: string): Row => ['AWS/SQS', metric, 'QueueName', `${prefix}-${name}`];
  const lambda = (metric: string, name: string, stat?: string): Row => [
    'AWS/Lambda',
    metric,
    'FunctionName',
    `${prefix}-${name}`,
    ...(stat === undefined ? [] : [{ stat }]),
  ];
  const table = (metric: string): Row => ['AWS/DynamoDB', metric, 'TableName', prefix];
  const functions = [...WORKERS, 'mask', 'webhook'];
  const waiting = 'ApproximateNumberOfMessagesVisible';

  const widgets: [string, string, Row[]][] = [
    ['Events', 'Sum', [own('EventsIn'), own('EventsStale'), own('EventsRejected')]],
    ['From event to in force (ms)', 'Sum', [own('PropagationTime', 'p50'), own('PropagationTime', 'p99')]],
    ['Statements', 'Sum', [own('TargetsRendered'), own('Statements'), own('StatementsFailed'), own('Retries')]],
    ['Out of order', 'Maximum', [own('Unhealthy'), own('Behind')]],
    ['Drift', 'Sum', [own('DriftFound'), own('DriftRepaired')]],
    ['Oldest change that is not in force (s)', 'Maximum', [own('OldestPending')]],
    ['Messages waiting', 'Maximum', WORKERS.map((name) => queue(waiting, name))],
    ['Oldest message (s)', 'Maximum', WORKERS.map((name) => queue('ApproximateAgeOfOldestMessage', name))],
    [
      'Dead letters',
      'Maximum',
      [...WORKERS.map((name) => queue(waiting, `${name}-dead-letter`)), queue(waiting, 'undelivered')],
    ],
    ['Function errors', 'Sum', functions.map((name) => lambda('Errors', name))],
    ['Function throttles', 'Sum', functions.map((name) => lambda('Throttles', name))],
    ['Function duration (ms)', 'Maximum', functions.map((name) => lambda('Duration', name))],
    ['Metadata: capacity', 'Sum', [table('ConsumedReadCapacityUnits'), table('ConsumedWriteCapacityUnits')]],
    [
      'Masking: calls',
      'Sum',
      [lambda('Invocations', 'mask'), lambda('ConcurrentExecutions', 'mask', 'Maximum')],
    ],
    ['SQL submitted (bytes)', 'Sum', [own('StatementBytes')]],
  ];
  const stack = Stack.of(scope);
  const body = {
    widgets: widgets.map(([title, stat, metrics], index) => ({
      type: 'metric',
      x: (index % 3) * 8,
      y: Math.floor(index / 3) * 6,
      width: 8,
      height: 6,
      properties: { title, region: stack.region, view: 'timeSeries', stat, period: 300, metrics },
    })),
  };
  return new cloudwatch.CfnDashboard(scope, 'Dashboard', {
    dashboardName: prefix,
    dashboardBody: stack.toJsonString(body),
  });
}
