import { join } from 'node:path';
import {
  Duration,
  RemovalPolicy,
  aws_cloudwatch as cloudwatch,
  aws_dynamodb as dynamodb,
  aws_events as events,
  aws_iam as iam,
  aws_kms as kms,
  aws_lambda as lambda,
  aws_logs as logs,
  aws_secretsmanager as secretsmanager,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Alarms } from './alarms';
import { createDashboard } from './dashboard';
import { FunctionSpec, Platform, WorkerSpec, createFunction, feed, queueVariable, visibility } from './functions';
import { Grants } from './grants';
import { createKey, sealed } from './key';
import { Bus, QueuePair, WORKERS, Worker, createQueues, keptQueue } from './messaging';
import { RedoubtProps, WebhookProps } from './props';

/** 1,769 MB come with one whole virtual processor, and masking is nothing but computation. */
const MASK_MEMORY = 1769;
const WEBHOOK_MEMORY = 512;
/** The longest that messages may be gathered. */
const LONGEST_WINDOW = Duration.seconds(30);
/** What a change may have rendered anew. */
const RENDERING = ['policy', 'data-source', 'user'] as const;

/**
 * Redoubt: an event bus for governance events, queues and functions that turn them into enforced views in Amazon Redshift, the table
 * with their metadata, and what watches all that.
 *
 * The same as infra/template.yaml: infra/checks compares the two.
 */
export class Redoubt extends Construct {
  /** Where producers send governance events. */
  readonly bus: events.EventBus;
  /** Encrypts what Redoubt stores. */
  readonly key: kms.Key;
  /** The metadata. */
  readonly table: dynamodb.Table;
  /** What the masking keys are derived from. */
  readonly masterSecret: secretsmanager.Secret;
  /** The queues, by the function that reads them. */
  readonly queues: ReadonlyMap<Worker, QueuePair>;
  /** What EventBridge could not deliver. */
  readonly undelivered: sqs.Queue;
  /** The functions by name, `mask` and `webhook` among them. */
  readonly functions: ReadonlyMap<string, lambda.Function>;
  /** For the role under which a warehouse calls the mask function, and for nobody else. */
  readonly invokeMaskPolicy: iam.ManagedPolicy;
  /** Where producers without AWS credentials send to. */
  readonly webhookUrl?: lambda.FunctionUrl;
  /** Every alarm. */
  readonly alarms: cloudwatch.Alarm[];
  /** The dashboard. */
  readonly dashboard: cloudwatch.CfnDashboard;

  private readonly prefix: string;
  private readonly grants: Grants;
  private readonly platform: Platform;

  constructor(scope: Construct, id: string, props: RedoubtProps) {
    super(scope, id);
    if (props.warehouseArns.length === 0 || props.secretArns.length === 0) {
      throw new Error('Redoubt reaches what is named only: give warehouseArns and secretArns');
    }
    this.prefix = props.prefix ?? 'redoubt';
    const eventBusName = props.eventBusName ?? 'redoubt';
    this.key = createKey(this, this.prefix, eventBusName);
    const key = sealed(this, this.key);
    this.table = this.createTable(key, props.deletionProtection ?? true);
    this.masterSecret = this.createMasterSecret();
    this.grants = new Grants(this, this.prefix, key, this.table);
    this.platform = {
      prefix: this.prefix,
      binaries: props.binaries ?? join(__dirname, '..', '..', '..', '..', 'target', 'lambda'),
      architecture: props.architecture ?? lambda.Architecture.ARM_64,
      logRetention: props.logRetention ?? logs.RetentionDays.ONE_MONTH,
      key,
      environment: {
        REDOUBT_DEPLOYMENT: this.prefix,
        REDOUBT_TABLE: this.table.tableName,
        REDOUBT_LOG: props.logFilter ?? 'info',
      },
    };

    const workers = this.workers(props);
    this.queues = new Map(WORKERS.map((name) => [name, createQueues(this, this.prefix, key, name, visibility(workers[name]))]));
    this.undelivered = keptQueue(this, 'UndeliveredQueue', `${this.prefix}-undelivered`, key);
    this.bus = this.createBus(eventBusName, key, props);

    const functions = new Map<string, lambda.Function>();
    this.createWorkers(workers, props, functions);
    functions.set('mask', this.createMask(props));
    this.invokeMaskPolicy = this.createInvokeMaskPolicy(functions, props.maskInvokers ?? []);
    if (props.webhook !== undefined) {
      const webhook = this.createWebhook(props.webhook, props.secretKeyArns ?? []);
      functions.set('webhook', webhook);
      this.webhookUrl = webhook.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.NONE });
    }
    this.functions = functions;

    this.alarms = new Alarms(this, {
      prefix: this.prefix,
      topic: props.alarmTopic,
      queues: this.queues,
      undelivered: this.undelivered,
      functions,
      messageAge: props.messageAge ?? Duration.minutes(15),
      propagation: props.propagation ?? Duration.minutes(5),
      failedStatements: props.failedStatements ?? 5,
    }).all;
    this.dashboard = createDashboard(this, this.prefix);
  }

  private queue(name: Worker): sqs.Queue {
    return this.pair(name).queue;
  }

  private pair(name: Worker): QueuePair {
    const pair = this.queues.get(name);
    if (pair === undefined) throw new Error(`no queue ${name}`);
    return pair;
  }

  private createTable(key: kms.IKey, deletionProtection: boolean): dynamodb.Table {
    return new dynamodb.Table(this, 'Table', {
      tableName: this.prefix,
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: 'expires_at',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection,
      encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
  }

  /** Every masked value depends on it: it is generated once, never replaced, and outlives the stack. */
  private createMasterSecret(): secretsmanager.Secret {
    return new secretsmanager.Secret(this, 'MasterSecret', {
      secretName: `${this.prefix}/masking`,
      description: 'What the masking keys of Redoubt are derived from. Without it nothing can be unmasked.',
      encryptionKey: sealed(this, this.key),
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'secret',
        passwordLength: 64,
        excludePunctuation: true,
      },
    });
  }

  private createBus(name: string, key: kms.IKey, props: RedoubtProps): events.EventBus {
    const created = new Bus(this, name, key, props.archiveDays ?? 30, this.undelivered);
    const eventBus = created.bus;
    const prefixes = (...types: string[]) => ({ detailType: types.map((type) => ({ prefix: `${type}.` })) as unknown as string[] });
    created.feed(this.queue('policy'), {
      PolicyEvents: { description: 'Policy events to the policy queue', eventBus, eventPattern: prefixes('policy') },
    });
    created.feed(this.queue('data-source'), {
      DataSourceEvents: {
        description: 'Data source events to the data source queue',
        eventBus,
        eventPattern: prefixes('data_source'),
      },
    });
    created.feed(this.queue('user'), {
      UserEvents: {
        description: 'User and project events to the user queue',
        eventBus,
        eventPattern: prefixes('user', 'project'),
      },
    });
    created.feed(this.queue('integration'), {
      IntegrationEvents: {
        description: 'Integration events to the integration queue',
        eventBus,
        eventPattern: prefixes('integration'),
      },
    });
    created.feed(this.queue('outcome'), {
      StatementEvents: {
        description: 'Finished statements of the Redshift Data API, from the default bus, to the outcome queue',
        eventPattern: { source: ['aws.redshift-data'], detailType: ['Redshift Data Statement Status Change'] },
      },
    });
    created.feed(this.queue('reconcile'), {
      SweepSchedule: {
        description: 'Looks for statements whose completion event never came and for warehouses that answer again',
        schedule: events.Schedule.expression('rate(5 minutes)'),
        input: events.RuleTargetInput.fromObject({ type: 'sweep' }),
      },
      ReconcileSchedule: {
        description: 'Compares the warehouses with the metadata and repairs what differs',
        schedule: props.reconcile ?? events.Schedule.expression('rate(1 hour)'),
        input: events.RuleTargetInput.fromObject({ type: 'reconcile' }),
      },
    });
    created.seal();
    return eventBus;
  }

  private workers(props: RedoubtProps): Record<Worker, WorkerSpec> {
    const second = Duration.seconds(1);
    return {
      policy: {
        description: 'Stores policies and has every data source that they touch rendered anew',
        timeout: Duration.minutes(1),
        batchSize: 10,
        window: second,
        longestWindow: second,
        concurrency: 5,
        sendsTo: ['data-source'],
      },
      'data-source': {
        description: 'Stores data sources, renders their policy views and submits them',
        timeout: Duration.minutes(2),
        batchSize: props.dataSources?.size ?? 1000,
        window: props.dataSources?.window ?? second,
        longestWindow: LONGEST_WINDOW,
        concurrency: props.dataSources?.concurrency ?? 5,
        sendsTo: [],
      },
      user: {
        description: 'Stores users and projects and merges their profiles into the warehouse',
        timeout: Duration.minutes(2),
        batchSize: props.users?.size ?? 10_000,
        window: props.users?.window ?? Duration.seconds(2),
        longestWindow: LONGEST_WINDOW,
        concurrency: props.users?.concurrency ?? 2,
        sendsTo: ['data-source'],
      },
      integration: {
        description: 'Sets a warehouse up when one is configured',
        timeout: Duration.minutes(5),
        batchSize: 1,
        concurrency: 2,
        sendsTo: RENDERING,
      },
      outcome: {
        description: 'Records how statements ended and retries transient failures',
        timeout: Duration.minutes(1),
        batchSize: 100,
        window: second,
        longestWindow: second,
        concurrency: 5,
        sendsTo: RENDERING,
      },
      reconcile: {
        description: 'Sweeps for lost events, finds what is behind or differs, and repairs it',
        timeout: Duration.minutes(5),
        batchSize: 1,
        concurrency: 2,
        sendsTo: RENDERING,
      },
    };
  }

  /**
   * The Data API lets a role describe only the statements that it submitted itself, so the functions that submit statements under
   * records share a role with those that follow them. The integration function follows its own, and alone reads the credentials of
   * setup accounts.
   */
  private createWorkers(workers: Record<Worker, WorkerSpec>, props: RedoubtProps, functions: Map<string, lambda.Function>): void {
    const shared = WORKERS.filter((name) => name !== 'integration');
    const statements = this.workerRole(
      'StatementRole',
      'What the functions of Redoubt may do that submit and follow statements',
      shared,
      props,
      [],
    );
    const integration = this.workerRole(
      'IntegrationRole',
      'What the integration function of Redoubt may do',
      ['integration'],
      props,
      this.grants.secrets('SetupCredentials', props.setupSecretArns ?? []),
    );
    for (const name of WORKERS) {
      const worker = workers[name];
      const known = WORKERS.filter((other) => other === name || worker.sendsTo.includes(other));
      const urls = known.map((other) => [queueVariable(other), this.queue(other).queueUrl]);
      const created = this.create({
        name,
        description: worker.description,
        role: name === 'integration' ? integration : statements,
        timeout: worker.timeout,
        memory: props.functionMemory ?? 512,
        environment: { ...Object.fromEntries(urls), [queueVariable('dead-letter')]: this.pair(name).deadLetters.queueUrl },
      });
      feed(created, this.queue(name), worker);
      functions.set(name, created);
    }
  }

  private workerRole(
    id: string,
    description: string,
    names: Worker[],
    props: RedoubtProps,
    more: iam.PolicyStatement[],
  ): iam.Role {
    const { grants } = this;
    return grants.role(id, description, names, [
      grants.receive(names.map((name) => this.queue(name))),
      grants.send([...RENDERING.map((name) => this.queue(name)), ...names.map((name) => this.pair(name).deadLetters)]),
      ...grants.metadata(),
      ...grants.statements(props.warehouseArns),
      ...grants.secrets('Credentials', props.secretArns),
      ...more,
      ...grants.keysOfSecrets(props.secretKeyArns ?? []),
      grants.keyOfQueues(),
    ]);
  }

  /** It sees clear values, so it reads what it needs and changes nothing. */
  private createMask(props: RedoubtProps): lambda.Function {
    const { grants } = this;
    const lifetime = props.masterSecretLifetime ?? Duration.minutes(5);
    return this.create({
      name: 'mask',
      description: 'Masks and unmasks values for the warehouse',
      role: grants.role('MaskRole', 'What the mask function of Redoubt may do', ['mask'], [
        ...grants.secrets('MasterSecret', [this.masterSecret.secretArn]),
        grants.keyOfSecret(),
        ...grants.readMetadata(),
      ]),
      timeout: Duration.minutes(1),
      memory: MASK_MEMORY,
      environment: {
        REDOUBT_MASTER_SECRET: this.masterSecret.secretArn,
        REDOUBT_MASTER_SECRET_SECONDS: String(lifetime.toSeconds()),
      },
    });
  }

  /** Whoever may invoke the mask function can say to be any user. */
  private createInvokeMaskPolicy(functions: Map<string, lambda.Function>, roles: iam.IRole[]): iam.ManagedPolicy {
    const mask = functions.get('mask');
    return new iam.ManagedPolicy(this, 'InvokeMaskPolicy', {
      description: 'Lets a warehouse call the mask function of Redoubt, and nothing else',
      roles,
      statements: [
        new iam.PolicyStatement({
          sid: 'InvokeMask',
          actions: ['lambda:InvokeFunction'],
          resources: mask === undefined ? [] : [mask.functionArn],
        }),
      ],
    });
  }

  /** Open to the world, so its role can do the least: put events into queues, where they are checked, and note deliveries. */
  private createWebhook(webhook: WebhookProps, secretKeyArns: string[]): lambda.Function {
    const { grants } = this;
    const queues = [...RENDERING, 'integration' as const];
    const urls = queues.map((name) => [queueVariable(name), this.queue(name).queueUrl]);
    const concurrency = webhook.concurrency ?? 10;
    return this.create({
      name: 'webhook',
      description: 'Takes signed events from producers without AWS credentials and puts them into their queues',
      role: grants.role('WebhookRole', 'What the webhook of Redoubt may do', ['webhook'], [
        grants.send(queues.map((name) => this.queue(name))),
        grants.keyOfQueues(),
        ...grants.deliveries(),
        ...grants.secrets('Keys', [webhook.secretArn]),
        ...grants.keysOfSecrets(secretKeyArns),
      ]),
      timeout: Duration.seconds(15),
      memory: WEBHOOK_MEMORY,
      reservedConcurrency: concurrency === 0 ? undefined : concurrency,
      environment: {
        ...Object.fromEntries(urls),
        REDOUBT_WEBHOOK_SECRET: webhook.secretArn,
        REDOUBT_WEBHOOK_SECRET_SECONDS: String((webhook.secretLifetime ?? Duration.minutes(5)).toSeconds()),
        REDOUBT_WEBHOOK_WINDOW_SECONDS: String((webhook.window ?? Duration.minutes(5)).toSeconds()),
      },
    });
  }

  private create(spec: FunctionSpec): lambda.Function {
    return createFunction(this, this.platform, spec);
  }
}
