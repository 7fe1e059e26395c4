;; Compares a query with rows of float32, with SIMD: the sums of dense-scoring.ts, made in the same order. Two rows at a time,
;; because each addition waits for the one before. Of the two rows after those, one load a cache line brings them near: a
;; processor does not see by itself that it is to read two rows at once. Behind the last row are four more, of any content.
;; dense-scoring.ts holds the bytes that this compiles to; dense-scoring.test.ts compares them.
(module
  (import "host" "memory" (memory 1))

  ;; Writes the dot product with the query for each of `count` rows from `row` on; one more if `count` is odd. Rows have `length`
  ;; float32 values, the query as many float64 ones, scores are float64.
  (func (export "dot") (param $row i32) (param $count i32) (param $query i32) (param $length i32) (param $score i32)
    (local $other i32) (local $ahead i32) (local $position i32) (local $fours i32) (local $end i32)
    (local $low v128) (local $high v128)
    (local $row01 v128) (local $row23 v128) (local $other01 v128) (local $other23 v128)
    (local.set $fours (i32.add (local.get $query) (i32.shl (i32.and (local.get $length) (i32.const -4)) (i32.const 3))))
    (local.set $end (i32.add (local.get $query) (i32.shl (local.get $length) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $other (i32.add (local.get $row) (i32.shl (local.get $length) (i32.const 2))))
        (local.set $ahead (i32.add (local.get $row) (i32.shl (local.get $length) (i32.const 3))))
        (local.set $position (local.get $query))
        (local.set $row01 (v128.const i64x2 0 0))
        (local.set $row23 (v128.const i64x2 0 0))
        (local.set $other01 (v128.const i64x2 0 0))
        (local.set $other23 (v128.const i64x2 0 0))
        (block $summed
          (loop $four
            (br_if $summed (i32.ge_u (local.get $position) (local.get $fours)))
            (drop (i32.load (local.get $ahead)))
            (local.set $low (v128.load (local.get $position)))
            (local.set $high (v128.load offset=16 (local.get $position)))
            (local.set $row01 (f64x2.add (local.get $row01)
              (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $row))) (local.get $low))))
            (local.set $row23 (f64x2.add (local.get $row23)
              (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $row))) (local.get $high))))
            (local.set $other01 (f64x2.add (local.get $other01)
              (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $other))) (local.get $low))))
            (local.set $other23 (f64x2.add (local.get $other23)
              (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $other))) (local.get $high))))
            (local.set $row (i32.add (local.get $row) (i32.const 16)))
            (local.set $other (i32.add (local.get $other) (i32.const 16)))
            (local.set $ahead (i32.add (local.get $ahead) (i32.const 32)))
            (local.set $position (i32.add (local.get $position) (i32.const 32)))
            (br $four)))
        ;; The last three values at most; the second sum of the pair gets zeros.
        (block $summed
          (loop $one
            (br_if $summed (i32.ge_u (local.get $position) (local.get $end)))
            (local.set $low (v128.load64_zero (local.get $position)))
            (local.set $row01 (f64x2.add (local.get $row01)
              (f64x2.mul (f64x2.promote_low_f32x4 (v128.load32_zero (local.get $row))) (local.get $low))))
            (local.set $other01 (f64x2.add (local.get $other01)
              (f64x2.mul (f64x2.promote_low_f32x4 (v128.load32_zero (local.get $other))) (local.get $low))))
            (local.set $row (i32.add (local.get $row) (i32.const 4)))
            (local.set $other (i32.add (local.get $other) (i32.const 4)))
            (local.set $position (i32.add (local.get $position) (i32.const 8)))
            (br $one)))
        (f64.store (local.get $score) (call $sum (local.get $row01) (local.get $row23)))
        (f64.store offset=8 (local.get $score) (call $sum (local.get $other01) (local.get $other23)))
        (local.set $row (local.get $other))
        (local.set $score (i32.add (local.get $score) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 2)))
        (br $next))))

  ;; As `dot`, for the sum of the squared differences.
  (func (export "squaredDistance") (param $row i32) (param $count i32) (param $query i32) (param $length i32) (param $score i32)
    (local $other i32) (local $ahead i32) (local $position i32) (local $fours i32) (local $end i32)
    (local $low v128) (local $high v128) (local $difference v128)
    (local $row01 v128) (local $row23 v128) (local $other01 v128) (local $other23 v128)
    (local.set $fours (i32.add (local.get $query) (i32.shl (i32.and (local.get $length) (i32.const -4)) (i32.const 3))))
    (local.set $end (i32.add (local.get $query) (i32.shl (local.get $length) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $count) (i32.const 0)))
        (local.set $other (i32.add (local.get $row) (i32.shl (local.get $length) (i32.const 2))))
        (local.set $ahead (i32.add (local.get $row) (i32.shl (local.get $length) (i32.const 3))))
        (local.set $position (local.get $query))
        (local.set $row01 (v128.const i64x2 0 0))
        (local.set $row23 (v128.const i64x2 0 0))
        (local.set $other01 (v128.const i64x2 0 0))
        (local.set $other23 (v128.const i64x2 0 0))
        (block $summed
          (loop $four
            (br_if $summed (i32.ge_u (local.get $position) (local.get $fours)))
            (drop (i32.load (local.get $ahead)))
            (local.set $low (v128.load (local.get $position)))
            (local.set $high (v128.load offset=16 (local.get $position)))
            (local.set $difference
              (f64x2.sub (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $row))) (local.get $low)))
            (local.set $row01
              (f64x2.add (local.get $row01) (f64x2.mul (local.get $difference) (local.get $difference))))
            (local.set $difference
              (f64x2.sub (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $row))) (local.get $high)))
            (local.set $row23
              (f64x2.add (local.get $row23) (f64x2.mul (local.get $difference) (local.get $difference))))
            (local.set $difference
              (f64x2.sub (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $other))) (local.get $low)))
            (local.set $other01
              (f64x2.add (local.get $other01) (f64x2.mul (local.get $difference) (local.get $difference))))
            (local.set $difference
              (f64x2.sub (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $other))) (local.get $high)))
            (local.set $other23
              (f64x2.add (local.get $other23) (f64x2.mul (local.get $difference) (local.get $difference))))
            (local.set $row (i32.add (local.get $row) (i32.const 16)))
            (local.set $other (i32.add (local.get $other) (i32.const 16)))
            (local.set $ahead (i32.add (local.get $ahead) (i32.const 32)))
            (local.set $position (i32.add (local.get $position) (i32.const 32)))
            (br $four)))
        (block $summed
          (loop $one
            (br_if $summed (i32.ge_u (local.get $position) (local.get $end)))
            (local.set $low (v128.load64_zero (local.get $position)))
            (local.set $difference
              (f64x2.sub (f64x2.promote_low_f32x4 (v128.load32_zero (local.get $row))) (local.get $low)))
            (local.set $row01
              (f64x2.add (local.get $row01) (f64x2.mul (local.get $difference) (local.get $difference))))
            (local.set $difference
              (f64x2.sub (f64x2.promote_low_f32x4 (v128.load32_zero (local.get $other))) (local.get $low)))
            (local.set $other01
              (f64x2.add (local.get $other01) (f64x2.mul (local.get $difference) (local.get $difference))))
            (local.set $row (i32.add (local.get $row) (i32.const 4)))
            (local.set $other (i32.add (local.get $other) (i32.const 4)))
            (local.set $position (i32.add (local.get $position) (i32.const 8)))
            (br $one)))
        (f64.store (local.get $score) (call $sum (local.get $row01) (local.get $row23)))
        (f64.store offset=8 (local.get $score) (call $sum (local.get $other01) (local.get $other23)))
        (local.set $row (local.get $other))
        (local.set $score (i32.add (local.get $score) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 2)))
        (br $next))))

  (func $sum (param $sums01 v128) (param $sums23 v128) (result f64)
    (f64.add
      (f64.add (f64x2.extract_lane 0 (local.get $sums01)) (f64x2.extract_lane 1 (local.get $sums01)))
      (f64.add (f64x2.extract_lane 0 (local.get $sums23)) (f64x2.extract_lane 1 (local.get $sums23))))))
