// SPDX-License-Identifier: Apache-2.0

/// Modules in the text format, each for some features; the text is what wabt 1.0.32 can translate.
enum WATSource {
    static let all = [
        declarations, constants, numbers, control, memories, references, vectors, relaxedVectors, atomics,
        tailCalls, exceptions, empty,
    ]

    static let empty = "(module)"

    /// Every section, and what there can be more than one of.
    static let declarations = """
        (module $hello
          (import "env" "f" (func $f (param i32 i64) (result f32)))
          (import "env" "t" (table 1 10 funcref))
          (import "env" "m" (memory 1 3))
          (import "env" "g" (global $g (mut i32)))
          (import "env" "e" (tag $e (param i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
          (memory 2) (memory i64 1) (memory i64 1 5) (memory 1 4 shared)
          (table $t2 2 externref)
          (table 3 4 funcref)
          (tag $e2)
          (func $start) (start $start)
          (func $two (result i32 i32) i32.const 1 i32.const 2)
          (func $many (param i32 i64 f32 f64 v128 funcref externref))
          (export "two" (func $two)) (export "mem" (memory 1)) (export "tag" (tag $e2))
          (export "table" (table $t2)) (export "glob" (global $g)) (export "" (func $f))
          (elem (i32.const 0) $start $two)
          (elem $p func $f)
          (elem declare func $f)
          (elem (table 2) (i32.const 1) func $two $two)
          (elem externref (ref.null extern))
          (elem (i32.const 3) funcref (ref.func $two) (ref.null func))
          (data (i32.const 8) "hello") (data $pd "passive") (data (memory 2) (i64.const 1) "x"))
        """

    static let constants = """
        (module
          (import "e" "g" (global $i i32))
          (func $f)
          (memory 1)
          (global i32 (i32.const -5)) (global i64 (i64.const -9223372036854775808))
          (global i32 (i32.const 2147483647)) (global i64 (i64.const 9223372036854775807))
          (global (mut f32) (f32.const -1.5)) (global f64 (f64.const 2))
          (global funcref (ref.null func)) (global externref (ref.null extern))
          (global funcref (ref.func $f)) (global i32 (global.get $i))
          (global v128 (v128.const i32x4 1 2 3 4))
          (global i32 (i32.add (i32.const 7) (i32.mul (global.get $i) (i32.const 3))))
          (export "m" (global 5))
          (data (global.get $i) "zz"))
        """

    static let numbers = """
        (module (func (param f32) (result i32)
          (i32.extend8_s (i32.trunc_sat_f32_s (local.get 0)))
          (drop (i64.extend32_s (i64.const -1)))
          (drop (i64.trunc_sat_f64_u (f64.const 0x1p-1074)))
          (drop (select (i32.const 1) (i32.const 2) (i32.const 3)))))
        """

    static let control = """
        (module
          (type $t (func (param i32) (result i32 i32)))
          (table 1 funcref)
          (func $f (param i32) (result i32)
            (local i64 i64 f32 v128)
            (block $a (result i32)
              (loop $b
                (br_if $b (local.get 0))
                (br_table $b $b 2 (local.get 0)))
              (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))
            (block (param i32) (result i32 i32) (i32.const 4))
            (drop)
            (drop (call_indirect (type $t) (i32.const 5) (i32.const 0)))
            (return)))
        """

    static let memories = """
        (module
          (memory i64 1) (memory $n 1)
          (data $d "abc")
          (func (param i64) (result i32)
            (drop (i32.load offset=0xffffffff (local.get 0)))
            (i64.store 1 offset=5 align=1 (i32.const 0) (i64.const 1))
            (drop (memory.size 1)) (drop (memory.grow 1 (i32.const 1)))
            (memory.init 1 $d (i32.const 0) (i32.const 0) (i32.const 1))
            (data.drop $d)
            (memory.copy 1 1 (i32.const 0) (i32.const 0) (i32.const 1))
            (memory.fill 1 (i32.const 0) (i32.const 0) (i32.const 1))
            (i32.const 7)))
        """

    static let references = """
        (module
          (table $a 2 funcref) (table $b 2 externref)
          (elem $e func $f)
          (func $f (param externref) (result funcref)
            (table.set $b (i32.const 0) (table.get $b (i32.const 1)))
            (drop (ref.is_null (ref.null extern)))
            (drop (select (result externref) (local.get 0) (local.get 0) (i32.const 1)))
            (drop (table.grow $b (ref.null extern) (i32.const 1)))
            (drop (table.size $b))
            (table.fill $b (i32.const 0) (local.get 0) (i32.const 1))
            (table.copy $a $a (i32.const 0) (i32.const 0) (i32.const 1))
            (table.init $a $e (i32.const 0) (i32.const 0) (i32.const 1))
            (elem.drop $e)
            (ref.func $f)))
        """

    static let vectors = """
        (module (memory 1) (func (param v128) (result v128)
          (drop (v128.load64_lane 1 (i32.const 0) (local.get 0)))
          (drop (v128.load32_zero offset=4 (i32.const 0)))
          (drop (i8x16.extract_lane_u 15 (local.get 0)))
          (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (local.get 0) (local.get 0)))
          (i32x4.add (v128.const i32x4 1 2 3 4) (f64x2.abs (local.get 0)))))
        """

    static let relaxedVectors = """
        (module (func (param v128) (result v128)
          (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))
        """

    static let atomics = """
        (module (memory 1 1 shared) (func (result i32)
          (atomic.fence)
          (drop (memory.atomic.wait32 offset=8 (i32.const 0) (i32.const 0) (i64.const -1)))
          (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))
          (drop (i64.atomic.rmw32.cmpxchg_u (i32.const 0) (i64.const 1) (i64.const 2)))
          (i32.atomic.load8_u (i32.const 0))))
        """

    static let tailCalls = """
        (module (type $t (func)) (table 1 funcref)
          (func $f (return_call $f)) (func (return_call_indirect (type $t) (i32.const 0))))
        """

    static let exceptions = """
        (module (tag $e (param i32))
          (func (try (do (throw $e (i32.const 1))) (catch $e (drop)) (catch_all (rethrow 0))))
          (func (try (do (try (do (nop)) (delegate 0))) (catch_all))))
        """
}
