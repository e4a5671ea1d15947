import { Duration, aws_events as events, aws_iam as iam, aws_lambda as lambda, aws_logs as logs, aws_sns as sns } from 'aws-cdk-lib';

/** How messages of one queue become invocations. */
export interface Batching {
  /** Most messages in one invocation, 1 to 10,000. */
  readonly size?: number;
  /** How long a batch is gathered, 1 to 30 seconds. Longer means fewer Data API calls and later effects. */
  readonly window?: Duration;
  /** Most invocations at a time, at least 2: the valve in front of the Data API. */
  readonly concurrency?: number;
}

/** The webhook for producers without AWS credentials. */
export interface WebhookProps {
  /** The secret with the producers' keys (docs/webhook.md). */
  readonly secretArn: string;
  /** How long the secret is kept before it is read again. Default: 5 minutes. */
  readonly secretLifetime?: Duration;
  /** By how much the time of a signature may differ, either way. Default: 5 minutes. */
  readonly window?: Duration;
  /** Most requests at once; 0 reserves nothing of the account's concurrency. Default: 10. */
  readonly concurrency?: number;
}

/** What `Redoubt` is made of. The parameters of infra/template.yaml are the same, with the same defaults. */
export interface RedoubtProps {
  /** ARNs or patterns of the workgroups and clusters that statements may be sent to. */
  readonly warehouseArns: string[];
  /** ARNs or patterns of the secrets with the system accounts' credentials. */
  readonly secretArns: string[];
  /** The same for setup accounts, which only the integration function reads. Default: none; warehouses are set up by hand. */
  readonly setupSecretArns?: string[];
  /** ARNs of the customer keys that encrypt these secrets. Default: none, they are under the account's own key. */
  readonly secretKeyArns?: string[];

  /** Start of every name, and the dimension `Deployment` of the metrics. Default: `redoubt`. */
  readonly prefix?: string;
  /** Name of the event bus and of its archive. Default: `redoubt`. */
  readonly eventBusName?: string;
  /** Where cargo-lambda put the functions: a directory with one for each. Default: `target/lambda` of this repository. */
  readonly binaries?: string;
  /** What the binaries were built for. Default: arm64. */
  readonly architecture?: lambda.Architecture;
  /** Memory in MB of the functions that work on queues. Default: 512. */
  readonly functionMemory?: number;
  /** Log filter in the syntax of the Rust tracing crate. Default: `info`. */
  readonly logFilter?: string;
  /** How long logs are kept. Default: 30 days. */
  readonly logRetention?: logs.RetentionDays;
  /** For how many days the archive keeps events; 0 for ever. Default: 30. */
  readonly archiveDays?: number;
  /** Whether the table refuses to be deleted. It outlives the stack in any case. Default: true. */
  readonly deletionProtection?: boolean;

  /** Whom alarms tell. Default: nobody. */
  readonly alarmTopic?: sns.ITopic;
  /** Age of a queue's oldest message from which an alarm is raised. Default: 15 minutes. */
  readonly messageAge?: Duration;
  /** Time from event to in force above which the slowest hundredth of changes raises an alarm. Default: 5 minutes. */
  readonly propagation?: Duration;
  /** Failed statements within 15 minutes above which an alarm is raised. Default: 5. */
  readonly failedStatements?: number;

  /** Roles of the warehouses under which external functions call the mask function. Default: none; see `invokeMaskPolicy`. */
  readonly maskInvokers?: iam.IRole[];
  /** How long the mask function keeps the master secret. Default: 5 minutes. */
  readonly masterSecretLifetime?: Duration;
  /** Default: no webhook. */
  readonly webhook?: WebhookProps;

  /** Data source messages. Default: 1,000 in 1 second, 5 at a time. */
  readonly dataSources?: Batching;
  /** User messages. Default: 10,000 in 2 seconds, 2 at a time. */
  readonly users?: Batching;
  /** How often warehouses are compared with the metadata and repaired. Default: every hour. */
  readonly reconcile?: events.Schedule;
}
