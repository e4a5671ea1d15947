use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use serde_json::json;

use super::*;
use crate::error::ErrorKind;
use crate::testing::Exchange;

fn table(exchange: &Exchange) -> DynamoDb {
    DynamoDb::new(Client::new(&exchange.sdk()), "metadata")
}

fn item(id: &str) -> serde_json::Value {
    json!({
        "pk": {"S": "policy#0"}, "sk": {"S": id}, "body": {"S": "{\"fields\":{}}"},
        "lock": {"N": "1"}, "revision": {"N": "0"},
    })
}

fn refused(code: &str, http_status: u16) -> SdkError<UpdateItemError, HttpResponse> {
    let meta = ErrorMetadata::builder().code(code).message("said so").build();
    let raw = HttpResponse::new(StatusCode::try_from(http_status).unwrap(), SdkBody::empty());
    SdkError::service_error(UpdateItemError::generic(meta), raw)
}

#[test]
fn shards_are_stable_and_used_evenly() {
    // The published vectors of FNV-1a: af63dc4c8601ec8c and 85944171f73967e8.
    assert_eq!((shard(Kind::User, "a"), shard(Kind::User, "foobar")), (0xc, 0x8));
    assert_eq!(shard(Kind::Policy, "a"), 0);
    let mut used = [0_u32; SHARDS as usize];
    for number in 0..16_000 {
        used[usize::try_from(shard(Kind::DataSource, &format!("source-{number}"))).unwrap()] += 1;
    }
    assert!(used.iter().all(|count| (800..1200).contains(count)), "{used:?}");
}

#[test]
fn throttling_and_server_errors_are_retried_and_the_rest_is_a_defect() {
    for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"] {
        assert_eq!(fault("put", refused(code, 400)).kind(), ErrorKind::Retry, "{code}");
    }
    assert_eq!(fault("put", refused("InternalServerError", 500)).kind(), ErrorKind::Retry);
    assert_eq!(fault("put", refused("ResourceNotFoundException", 400)).kind(), ErrorKind::Defect);
    assert!(condition_failed(&refused("ConditionalCheckFailedException", 400)));
}

#[tokio::test]
async fn lists_are_read_to_the_last_page_and_consistently() {
    let key = json!({"pk": {"S": "policy#0"}, "sk": {"S": "a"}});
    let exchange = Exchange::of([
        (200, json!({"Items": [item("a")], "LastEvaluatedKey": key})),
        (200, json!({"Items": [], "LastEvaluatedKey": key})),
        (200, json!({"Items": [item("b")]})),
    ]);
    let records = table(&exchange).list(Kind::Policy).await.unwrap();
    assert_eq!(records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(exchange.count(), 3);
    let (target, body) = exchange.request(2);
    assert_eq!(target, "DynamoDB_20120810.Query");
    assert_eq!((&body["ConsistentRead"], &body["ExclusiveStartKey"]), (&json!(true), &key));
}

#[tokio::test]
async fn every_partition_is_listed_or_the_list_fails() {
    let exchange = Exchange::of((0..16).map(|_| (200, json!({"Items": []}))));
    assert_eq!(table(&exchange).list(Kind::User).await.unwrap(), []);
    let mut partitions: Vec<_> =
        (0..16).map(|n| exchange.request(n).1["ExpressionAttributeValues"][":pk"]["S"].to_string()).collect();
    partitions.sort();
    partitions.dedup();
    assert_eq!(partitions.len(), 16);
    let one_missing = Exchange::of((0..15).map(|_| (200, json!({"Items": []}))));
    assert_eq!(table(&one_missing).list(Kind::User).await.unwrap_err().kind(), ErrorKind::Retry);
}

#[tokio::test]
async fn writes_are_conditional_and_leave_the_status_alone() {
    let refused = json!({"__type": "ConditionalCheckFailedException", "message": "no"});
    let exchange = Exchange::of([(200, json!({})), (400, refused)]);
    let table = table(&exchange);
    let mut record = Record::new(Kind::Policy, "p");
    assert_eq!(table.put(&record).await.unwrap(), Put::Stored);
    record.lock = 7;
    assert_eq!(table.put(&record).await.unwrap(), Put::Conflict);
    let (target, first) = exchange.request(0);
    assert_eq!((target.as_str(), &first["TableName"]), ("DynamoDB_20120810.UpdateItem", &json!("metadata")));
    assert_eq!(first["ConditionExpression"], "attribute_not_exists(pk)");
    let (_, second) = exchange.request(1);
    assert_eq!(second["ConditionExpression"], "#lock = :lock");
    let values = &second["ExpressionAttributeValues"];
    assert_eq!((&values[":lock"]["N"], &values[":next"]["N"]), (&json!("7"), &json!("8")));
    assert!(!second["UpdateExpression"].to_string().contains("status"));
}

#[tokio::test]
async fn when_a_record_expires_is_an_attribute_of_its_own() {
    let exchange = Exchange::of([(200, json!({})), (200, json!({}))]);
    let table = table(&exchange);
    let mut record = Record::new(Kind::Delivery, "d");
    record.expires_at = Some(4_102_444_800);
    table.put(&record).await.unwrap();
    record.expires_at = None;
    table.put(&record).await.unwrap();
    let (_, first) = exchange.request(0);
    assert!(first["UpdateExpression"].as_str().unwrap().ends_with(", expires_at = :expires_at"));
    assert_eq!(first["ExpressionAttributeValues"][":expires_at"], json!({"N": "4102444800"}));
    let (_, second) = exchange.request(1);
    assert!(second["UpdateExpression"].as_str().unwrap().ends_with(" REMOVE expires_at"));
}

#[test]
fn a_damaged_item_is_named() {
    let mut item = Item::from([("sk".to_owned(), text("u")), ("lock".to_owned(), number(1))]);
    assert_eq!(record(Kind::User, &item).unwrap_err().to_string(), "stored user `u` can't be read: bad `body`");
    item.insert("body".to_owned(), text(r#"{"fields":{}}"#));
    assert_eq!(record(Kind::User, &item).unwrap_err().to_string(), "stored user `u` can't be read: bad `revision`");
    item.insert("revision".to_owned(), number(7));
    assert_eq!(record(Kind::User, &item).unwrap().revision, 7);
    item.insert("expires_at".to_owned(), text("soon"));
    assert_eq!(record(Kind::User, &item).unwrap_err().to_string(), "stored user `u` can't be read: bad `expires_at`");
    item.insert("expires_at".to_owned(), number(8));
    assert_eq!(record(Kind::User, &item).unwrap().expires_at, Some(8));
    item.insert("status".to_owned(), text("?"));
    assert_eq!(record(Kind::User, &item).unwrap_err().to_string(), "stored user `u` can't be read: bad `status`");
}
