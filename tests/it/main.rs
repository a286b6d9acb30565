//! Everything that needs no child process and no container.

mod architecture;
mod config;
mod ctl;
mod founding;
mod http;
mod machine;
mod raft;
mod simulation;
mod storage;
mod vectors;
