//! Whatever is changed of what is signed, it is refused.

use proptest::prelude::*;

use super::*;

fn ask(sent: &Sent) -> (u16, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let world = World::new();
    let (status, _) = runtime.block_on(world.ask(sent));
    (status, world.sent())
}

/// The text with one byte of it replaced, as far as that leaves it text.
fn changed(text: &str, place: prop::sample::Index, byte: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let index = place.index(bytes.len());
    bytes[index] = byte;
    String::from_utf8(bytes).ok().filter(|other| other != text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_changed_byte_is_refused(
        part in 0..3_usize, place: prop::sample::Index, byte in 0..128_u8, base64: bool, github: bool,
    ) {
        let mut sent = if github { Sent::github(&user("ann"), "hub") } else { Sent::standard(&user("ann"), "new") };
        prop_assert_eq!(ask(&sent), (202, 1));
        let header = ["", "webhook-id", "webhook-timestamp"][if github { 0 } else { part }];
        let original = if header.is_empty() { &sent.body } else { &sent.headers[header] };
        let Some(other) = changed(original, place, byte) else { return Ok(()) };
        // Blanks around the value of a header are no part of it.
        prop_assume!(header.is_empty() || other.trim() == other);
        sent = if header.is_empty() { sent.body(other) } else { sent.header(header, &other) };
        if base64 {
            sent = sent.encoded();
        }
        let (status, count) = ask(&sent);
        prop_assert!(status == 401 || (status == 400 && !header.is_empty()), "{}", status);
        prop_assert_eq!(count, 0);
    }

    #[test]
    fn any_byte_moved_between_the_signed_parts_is_refused(cut in 1..14_usize) {
        // The same text is signed: `1767225600.` may end up in the id or in the body.
        let body = user("ann").to_string();
        let text = format!("msg_1.{NOW}.{body}");
        let dots: Vec<usize> = text.match_indices('.').map(|(index, _)| index).collect();
        let (id, rest) = text.split_at(dots[0] + cut.min(dots[1] - dots[0]));
        let (timestamp, body) = rest.split_once('.').unwrap();
        let sent = Sent::of(&Value::Null)
            .body(body)
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", &standard_signature("new", "msg_1", NOW, &user("ann").to_string()));
        let (status, count) = ask(&sent);
        prop_assert!(status == 400 || status == 401, "{}", status);
        prop_assert_eq!(count, 0);
    }

    #[test]
    fn no_request_makes_it_stumble(
        headers in prop::collection::btree_map(
            prop_oneof!["webhook-(id|timestamp|signature)", "x-(hub-signature-256|github-delivery)", "[a-z-]{1,8}"],
            prop_oneof!["v1,[A-Za-z0-9+/=]{0,50}( v1,[A-Za-z0-9+/=]{0,50})?", "sha256=[0-9a-f]{60,66}", "[0-9]{1,20}", ".{0,20}"],
            0..6,
        ),
        body in ".{0,60}", base64: bool,
    ) {
        let mut sent = Sent { base64, ..Sent::of(&Value::Null).body(body) };
        sent.headers.extend(headers);
        let (status, count) = ask(&sent);
        prop_assert!(status == 400 || status == 401, "{}", status);
        prop_assert_eq!(count, 0);
    }
}
