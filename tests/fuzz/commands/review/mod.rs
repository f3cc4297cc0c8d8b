//! The reports of `gen review`.

#[path = "../../../../src/commands/review/report.rs"]
pub mod report;

pub mod git {
    //! A revision that needs no repository.

    use std::fmt;
    use std::marker::PhantomData;

    pub struct Revision<'r> {
        pub name: String,
        pub commit: String,
        pub is_merge_base: bool,
        pub repository: PhantomData<&'r ()>,
    }

    impl fmt::Display for Revision<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "`{}` ({})", self.name, self.commit)
        }
    }
}
