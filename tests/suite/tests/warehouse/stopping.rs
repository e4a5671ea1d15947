//! What is left of a warehouse when its test is over.

use std::{
    net::{Ipv4Addr, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
};

use redoubt_tests::standin::{Mask, OwnWarehouse};

#[test]
fn a_test_that_fails_leaves_nothing_behind() {
    // Nothing else goes on in this runtime while a warehouse is dropped.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = Mutex::new(None);
    let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let own = OwnWarehouse::start("stopping", &[], Mask::None).await.unwrap();
            assert!(listens(own.port()) && own.directory().exists());
            *place.lock().unwrap() = Some((own.port(), own.directory().to_owned()));
            panic!("as a test that fails does");
        });
    }));
    outcome.unwrap_err();
    let (port, directory) = place.into_inner().unwrap().unwrap();
    assert!(!listens(port) && !directory.exists());
}
