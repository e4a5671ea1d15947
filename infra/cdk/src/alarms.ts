import {
  Duration,
  aws_cloudwatch as cloudwatch,
  aws_cloudwatch_actions as actions,
  aws_lambda as lambda,
  aws_sns as sns,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { QueuePair, Worker, pascal } from './messaging';

/** What is watched, and from when on it is too much. */
export interface Watched {
  readonly prefix: string;
  readonly topic?: sns.ITopic;
  readonly queues: ReadonlyMap<Worker, QueuePair>;
  readonly undelivered: sqs.IQueue;
  readonly functions: ReadonlyMap<string, lambda.Function>;
  readonly messageAge: Duration;
  readonly propagation: Duration;
  readonly failedStatements: number;
}

interface AlarmSpec {
  readonly metric: cloudwatch.Metric;
  readonly above?: number;
  readonly below?: number;
  readonly periods?: number;
  readonly datapoints?: number;
  readonly missing?: cloudwatch.TreatMissingData;
}

/** Every alarm names its section of docs/runbook.md. */
export class Alarms {
  readonly all: cloudwatch.Alarm[] = [];

  constructor(
    private readonly scope: Construct,
    private readonly watched: Watched,
  ) {
    for (const [name, pair] of watched.queues) this.watchQueue(name, pair);
    const lost = messages(watched.undelivered);
    this.add('Undelivered', 'undelivered', 'undelivered', 'EventBridge could not deliver events to a queue.', { metric: lost });
    this.watchDeployment();
    for (const [name, target] of watched.functions) this.watchFunction(name, target);
    const reconcile = watched.functions.get('reconcile');
    if (reconcile !== undefined) {
      const what = 'The sweep, which runs every five minutes, did not run.';
      this.add('ReconcileMissing', 'reconcile-missing', 'reconcile-missing', what, {
        metric: reconcile.metricInvocations({ period: Duration.minutes(5) }),
        below: 1,
        periods: 3,
        missing: cloudwatch.TreatMissingData.BREACHING,
      });
    }
  }

  private watchQueue(name: Worker, { queue, deadLetters }: QueuePair): void {
    const id = pascal(name);
    this.add(`${id}DeadLetters`, `dead-letters-${name}`, 'dead-letters', `Messages of the ${name} queue were given up.`, {
      metric: messages(deadLetters),
    });
    this.add(`${id}Age`, `oldest-message-${name}`, 'oldest-message', `Messages wait in the ${name} queue for too long.`, {
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: Duration.minutes(5) }),
      above: this.watched.messageAge.toSeconds(),
    });
  }

  private watchDeployment(): void {
    const own = (metricName: string, statistic: string, minutes = 5) =>
      new cloudwatch.Metric({
        namespace: 'Redoubt',
        metricName,
        dimensionsMap: { Deployment: this.watched.prefix },
        statistic,
        period: Duration.minutes(minutes),
      });
    const kept = cloudwatch.TreatMissingData.IGNORE;
    this.add('FailedStatements', 'failed-statements', 'failed-statements', 'Statements fail in the warehouse.', {
      metric: own('StatementsFailed', 'Sum', 15),
      above: this.watched.failedStatements,
    });
    const unhealthy = "The last reconcile run found data sources or users whose policy can't be applied.";
    this.add('Unhealthy', 'unhealthy', 'unhealthy', unhealthy, { metric: own('Unhealthy', 'Maximum'), missing: kept });
    const behind = 'The last reconcile run found targets behind their newest revision.';
    this.add('Behind', 'behind', 'behind', behind, { metric: own('Behind', 'Maximum'), missing: kept });
    this.add('Drift', 'drift', 'drift', 'A warehouse differed from what Redoubt put there.', { metric: own('DriftFound', 'Sum') });
    const slow = 'The slowest hundredth of changes takes too long to be in force.';
    this.add('Propagation', 'propagation', 'propagation', slow, {
      metric: own('PropagationTime', 'p99'),
      above: this.watched.propagation.toMilliseconds(),
      periods: 3,
      datapoints: 2,
    });
  }

  private watchFunction(name: string, target: lambda.Function): void {
    const id = pascal(name);
    const period = Duration.minutes(5);
    const seconds = target.timeout?.toSeconds() ?? 0;
    this.add(`${id}Errors`, `errors-${name}`, 'function-errors', `The ${name} function fails as a whole.`, {
      metric: target.metricErrors({ period }),
    });
    this.add(`${id}Throttles`, `throttles-${name}`, 'function-throttles', `The ${name} function is refused concurrency.`, {
      metric: target.metricThrottles({ period }),
      periods: 2,
    });
    const slow = `The ${name} function takes more than 80 % of its ${seconds} s.`;
    this.add(`${id}Duration`, `duration-${name}`, 'function-duration', slow, {
      metric: target.metricDuration({ period, statistic: 'Maximum' }),
      above: seconds * 800,
    });
  }

  private add(id: string, name: string, anchor: string, what: string, spec: AlarmSpec): void {
    const operators = cloudwatch.ComparisonOperator;
    const alarm = new cloudwatch.Alarm(this.scope, `${id}Alarm`, {
      alarmName: `${this.watched.prefix}-${name}`,
      alarmDescription: `${what} See docs/runbook.md#${anchor}`,
      metric: spec.metric,
      threshold: spec.below ?? spec.above ?? 0,
      comparisonOperator: spec.below === undefined ? operators.GREATER_THAN_THRESHOLD : operators.LESS_THAN_THRESHOLD,
      evaluationPeriods: spec.periods ?? 1,
      datapointsToAlarm: spec.datapoints,
      treatMissingData: spec.missing ?? cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (this.watched.topic !== undefined) {
      const action = new actions.SnsAction(this.watched.topic);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
    this.all.push(alarm);
  }
}

function messages(queue: sqs.IQueue): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: Duration.minutes(1) });
}
