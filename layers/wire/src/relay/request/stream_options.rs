//! Usage in the stream: asked for beside what the client asked for, or taken back.

use super::Edit;
use crate::{
    Quirks,
    scan::{Kind, Member, Scanner},
    splice::Cutter,
};

const NAME: &str = "include_usage";
const ASK: &[u8] = br#"{"include_usage":true}"#;

impl Edit<'_> {
    /// Sees to it that the stream carries usage where it must; tells whether that was our idea.
    pub(super) fn stream_options(&mut self, read_usage: bool, quirks: &Quirks) -> bool {
        if !quirks.stream_usage {
            self.take_back();
            return false;
        }
        let refused = quirks.drop.iter().any(|name| name == "stream_options");
        if refused || !read_usage || !self.peek.stream() || self.peek.include_usage() == Some(true) {
            return false;
        }
        let Some(place) = self.live("stream_options").last() else {
            self.splice.insert("stream_options", ASK);
            return true;
        };
        let Some(options) = self.peek.parts().get(place).cloned() else { return false };
        if options.kind != Kind::Object {
            self.splice.replace(place, ASK);
            return true;
        }
        let inner = self.inner(&options);
        let mut found = false;
        for member in inner.iter().filter(|member| member.is(self.peek.body(), NAME)) {
            self.splice.patch(member.value.clone(), &b"true"[..]);
            found = true;
        }
        if !found {
            let end = inner.last().map_or(options.value.start + 1, |member| member.value.end);
            let text =
                if inner.is_empty() { &br#""include_usage":true"#[..] } else { br#","include_usage":true"# };
            self.splice.patch(end..end, text);
        }
        true
    }

    /// Takes `include_usage` out, and `stream_options` with it if it holds nothing else.
    fn take_back(&mut self) {
        for place in self.peek.places("stream_options").collect::<Vec<_>>() {
            let Some(options) =
                self.peek.parts().get(place).filter(|member| member.kind == Kind::Object).cloned()
            else {
                continue;
            };
            let inner = self.inner(&options);
            let ours: Vec<bool> = inner.iter().map(|member| member.is(self.peek.body(), NAME)).collect();
            if !ours.contains(&true) {
                continue;
            }
            self.list("stream_options.include_usage".to_owned());
            if ours.iter().all(|ours| *ours) {
                self.splice.remove(place);
                continue;
            }
            let mut cutter = Cutter::default();
            for (member, ours) in inner.iter().zip(ours) {
                self.splice.cut(cutter.item(&member.bounds(), ours));
            }
            self.splice.cut(cutter.end());
        }
    }

    fn inner(&self, options: &Member) -> Vec<Member> {
        let mut inner = Vec::new();
        // The body was found valid, so the walk cannot fail.
        let _ = Scanner::new(self.peek.body(), options.value.start).object(|member| inner.push(member));
        inner
    }
}
