import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  Duration,
  RemovalPolicy,
  aws_iam as iam,
  aws_kms as kms,
  aws_lambda as lambda,
  aws_logs as logs,
} from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { Worker, pascal } from './messaging';

/** What all functions have in common. */
export interface Platform {
  readonly prefix: string;
  readonly binaries: string;
  readonly architecture: lambda.Architecture;
  readonly logRetention: logs.RetentionDays;
  readonly key: kms.IKey;
  readonly environment: Record<string, string>;
}

/** What differs. */
export interface FunctionSpec {
  readonly name: string;
  readonly description: string;
  readonly role: iam.Role;
  readonly timeout: Duration;
  readonly memory: number;
  readonly environment: Record<string, string>;
  readonly reservedConcurrency?: number;
}

/** A function with its logs. cargo-lambda built it, as for the SAM template. */
export function createFunction(scope: Construct, platform: Platform, spec: FunctionSpec): lambda.Function {
  const functionName = `${platform.prefix}-${spec.name}`;
  const directory = join(platform.binaries, spec.name);
  if (!existsSync(join(directory, 'bootstrap'))) {
    throw new Error(`${join(directory, 'bootstrap')} does not exist: build the functions with \`make package\``);
  }
  const logGroup = new logs.LogGroup(scope, `${pascal(spec.name)}LogGroup`, {
    logGroupName: `/aws/lambda/${functionName}`,
    retention: platform.logRetention,
    encryptionKey: platform.key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const created = new lambda.Function(scope, `${pascal(spec.name)}Function`, {
    functionName,
    description: spec.description,
    code: lambda.Code.fromAsset(directory),
    runtime: lambda.Runtime.PROVIDED_AL2023,
    handler: 'bootstrap',
    architecture: platform.architecture,
    memorySize: spec.memory,
    timeout: spec.timeout,
    reservedConcurrentExecutions: spec.reservedConcurrency,
    // Grants are those of grants.ts and no others.
    role: spec.role.withoutPolicyUpdates(),
    environment: { ...platform.environment, ...spec.environment },
  });
  created.node.addDependency(logGroup);
  return created;
}

/** How a function is fed. */
export interface WorkerSpec {
  readonly description: string;
  readonly timeout: Duration;
  readonly batchSize: number;
  readonly window?: Duration;
  /** The longest window that may be chosen. */
  readonly longestWindow?: Duration;
  readonly concurrency: number;
  /** The queues that it sends to, beside its own, where it puts messages back. */
  readonly sendsTo: readonly Worker[];
}

/** Visibility that the documentation asks for: six times the timeout, and the longest window that may be chosen. */
export function visibility(worker: WorkerSpec): Duration {
  return Duration.seconds(6 * worker.timeout.toSeconds() + (worker.longestWindow?.toSeconds() ?? 0));
}

/** The name of the variable with a queue's URL. */
export function queueVariable(name: string): string {
  return `REDOUBT_${name.replace(/-/g, '_').toUpperCase()}_QUEUE_URL`;
}

/** Has a queue feed a function. */
export function feed(target: lambda.Function, source: ConstructorParameters<typeof SqsEventSource>[0], worker: WorkerSpec): void {
  target.addEventSource(
    new SqsEventSource(source, {
      batchSize: worker.batchSize,
      maxBatchingWindow: worker.window,
      reportBatchItemFailures: true,
      maxConcurrency: worker.concurrency,
    }),
  );
}
