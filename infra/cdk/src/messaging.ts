import { Duration, aws_events as events, aws_iam as iam, aws_kms as kms, aws_sqs as sqs } from 'aws-cdk-lib';
import { Construct } from 'constructs';

/** What reads a queue, by the name of its function. */
export const WORKERS = ['policy', 'data-source', 'user', 'integration', 'outcome', 'reconcile'] as const;
/** The name of a function that reads a queue. */
export type Worker = (typeof WORKERS)[number];

/** A queue and where its messages go that are given up. */
export interface QueuePair {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;
}

// A message that is wrong is dead-lettered by the function itself, with its faults. What is left to the receive count is what fails
// for other reasons: such a message comes back after 5 s, 10 s, … 5 min, so 20 receives ride out more than an hour.
const MAX_RECEIVES = 20;
/** A dead letter keeps the clock of its first arrival, so it is kept longer than the 4 days of a queue. */
const DEAD_LETTER_RETENTION = Duration.days(14);

/** `data-source` as part of a construct's id. */
export function pascal(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

/** The queue of a function. */
export function createQueues(scope: Construct, prefix: string, key: kms.IKey, worker: Worker, visibility: Duration): QueuePair {
  const deadLetters = keptQueue(scope, `${pascal(worker)}DeadLetterQueue`, `${prefix}-${worker}-dead-letter`, key);
  const queue = new sqs.Queue(scope, `${pascal(worker)}Queue`, {
    queueName: `${prefix}-${worker}`,
    visibilityTimeout: visibility,
    encryptionMasterKey: key,
    dataKeyReuse: Duration.hours(1),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVES },
  });
  return { queue, deadLetters };
}

/** A queue whose messages wait for a person. */
export function keptQueue(scope: Construct, id: string, queueName: string, key: kms.IKey): sqs.Queue {
  return new sqs.Queue(scope, id, {
    queueName,
    retentionPeriod: DEAD_LETTER_RETENTION,
    encryptionMasterKey: key,
    dataKeyReuse: Duration.hours(1),
  });
}

/** The bus, its archive, and what EventBridge could not deliver. */
export class Bus {
  readonly bus: events.EventBus;
  readonly archive: events.Archive;
  private readonly sources: string[] = [];

  constructor(
    private readonly scope: Construct,
    name: string,
    key: kms.IKey,
    archiveDays: number,
    readonly undelivered: sqs.Queue,
  ) {
    this.bus = new events.EventBus(scope, 'EventBus', {
      eventBusName: name,
      description: 'Governance events for Redoubt',
      kmsKey: key,
      deadLetterQueue: sqs.Queue.fromQueueArn(scope, 'SealedUndeliveredQueue', undelivered.queueArn),
    });
    this.archive = new events.Archive(scope, 'EventArchive', {
      sourceEventBus: this.bus,
      archiveName: name,
      description: 'What producers sent to Redoubt, to be replayed',
      retention: Duration.days(archiveDays),
      kmsKey: key,
      eventPattern: {},
    });
    // Everything is kept: an archive that is given no pattern, which the construct does not allow.
    (this.archive.node.defaultChild as events.CfnArchive).eventPattern = undefined;
  }

  /** Rules that feed a queue, which admits them and nobody else through EventBridge. */
  feed(queue: sqs.Queue, rules: Record<string, Omit<events.RuleProps, 'targets'> & { input?: events.RuleTargetInput }>): void {
    const arns = Object.entries(rules).map(([id, { input, ...props }]) => {
      const rule = new events.Rule(this.scope, id, props);
      rule.addTarget({
        bind: () => ({
          id: 'queue',
          arn: queue.queueArn,
          input,
          deadLetterConfig: { arn: this.undelivered.queueArn },
        }),
      });
      return rule.ruleArn;
    });
    admit(queue, arns);
    this.sources.push(...arns);
  }

  /** Admits what was fed so far, and the bus, to the queue for what can't be delivered. */
  seal(): void {
    admit(this.undelivered, [...this.sources, this.bus.eventBusArn]);
  }
}

function admit(queue: sqs.Queue, sourceArns: string[]): void {
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': sourceArns } },
    }),
  );
}
