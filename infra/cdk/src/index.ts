export { QueuePair, Worker } from './messaging';
export { Batching, RedoubtProps, WebhookProps } from './props';
export { Redoubt } from './redoubt';
