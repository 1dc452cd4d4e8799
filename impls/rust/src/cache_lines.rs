//! Every allocation begins at a cache line.

use std::alloc::{GlobalAlloc, Layout, System};

const CACHE_LINE_BYTES: usize = 64;

/// The system's allocator begins a vector at any multiple of 16 bytes. Where, depends on what was allocated before, even on how
/// long the name of a file was. If the loads of a matrix cross cache lines, a step takes longer.
struct CacheLines;

#[global_allocator]
static ALLOCATOR: CacheLines = CacheLines;

fn at_cache_line(layout: Layout) -> Layout {
    layout.align_to(CACHE_LINE_BYTES).unwrap_or(layout)
}

unsafe impl GlobalAlloc for CacheLines {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        System.alloc(at_cache_line(layout))
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        System.alloc_zeroed(at_cache_line(layout))
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        System.dealloc(pointer, at_cache_line(layout))
    }
}
