//! Time, and the lines that tell it.

use std::time::Instant;

use cpu_time::ProcessTime;

/// Nanoseconds by the clock, and of all threads of this process.
#[derive(Clone, Copy)]
pub struct Spent {
    pub wall: f64,
    pub cpu: f64,
}

pub fn timed<T>(work: impl FnOnce() -> T) -> (Spent, T) {
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    let result = work();
    (Spent { wall: wall.elapsed().as_secs_f64() * 1e9, cpu: cpu.elapsed().as_secs_f64() * 1e9 }, result)
}

pub fn print(step: &str, Spent { wall, cpu }: Spent, count: Option<usize>) {
    let count = count.map_or(String::new(), |count| format!(r#","count":{count}"#));
    println!(r#"{{"step":"{step}","wall":{wall:.0},"cpu":{cpu:.0}{count}}}"#);
}
