//! The data outlives the stand-in, however that ended.

use crate::harness::{Directory, Harness, config, runtime};
use redoubt_local::{Standin, StartError};

#[test]
fn a_data_directory_can_be_used_again() {
    let directory = Directory::new();
    let runtime = runtime();
    let config = config(&directory);
    runtime.block_on(async {
        let first = Harness::start(config.clone()).await;
        first.admin("dev", &["create database tpch", "create database immuta"]).await;
        first.admin("tpch", &["create table t (a int)", "insert into t values (1)"]).await;
        first.admin("immuta", &["create view v as select a from tpch.public.t with no schema binding"]).await;
        let second = Standin::start(config.clone()).await;
        assert!(
            matches!(second, Err(StartError::Warehouse(error)) if error.to_string().contains("another stand-in uses"))
        );
        let port = first.standin.pg_port();
        first.standin.stop().await.unwrap();

        // What a crash of the whole machine leaves.
        std::fs::write(directory.0.join("pgdata/postmaster.pid"), "999999999\n").unwrap();
        let second = Harness::start(config.clone()).await;
        assert_ne!(second.standin.pg_port(), port);
        assert_eq!(second.rows("awsuser", "immuta", "select a from v").await, [["1"]]);

        // What a killed stand-in leaves: PostgreSQL runs on without it.
        let port = second.standin.pg_port();
        drop(second);
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
        let third = Harness::start(config.clone()).await;
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
        assert_eq!(third.rows("awsuser", "immuta", "select a from v").await, [["1"]]);
        third.standin.stop().await.unwrap();
    });
    let _ = std::fs::remove_file(config.secrets.unwrap());
}
