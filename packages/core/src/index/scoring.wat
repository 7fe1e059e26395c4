;; The two loops of a search, with SIMD, over a memory that holds the float32 scores of documents from address 0 on, and postings.
;; scoring.ts holds the bytes that this compiles to; scoring.test.ts compares them.
(module
  (import "host" "memory" (memory 1))

  ;; Adds weight x query weight to the score of the document of each of `count` postings, of which the document numbers lie at
  ;; `document` and the weights at `weight`. Sums are made in float64 and rounded to float32, as JavaScript does.
  (func (export "add") (param $document i32) (param $weight i32) (param $count i32) (param $query f32)
    (local $end i32) (local $score i32) (local $queries v128) (local $products v128)
    (local.set $queries (f64x2.splat (f64.promote_f32 (local.get $query))))
    (local.set $end (i32.add (local.get $document) (i32.shl (i32.and (local.get $count) (i32.const -4)) (i32.const 1))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $document) (local.get $end)))
        (local.set $products
          (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $weight))) (local.get $queries)))
        (local.set $score (i32.shl (i32.load16_u (local.get $document)) (i32.const 2)))
        (f32.store (local.get $score) (f32.demote_f64
          (f64.add (f64.promote_f32 (f32.load (local.get $score))) (f64x2.extract_lane 0 (local.get $products)))))
        (local.set $score (i32.shl (i32.load16_u offset=2 (local.get $document)) (i32.const 2)))
        (f32.store (local.get $score) (f32.demote_f64
          (f64.add (f64.promote_f32 (f32.load (local.get $score))) (f64x2.extract_lane 1 (local.get $products)))))
        (local.set $products
          (f64x2.mul (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $weight))) (local.get $queries)))
        (local.set $score (i32.shl (i32.load16_u offset=4 (local.get $document)) (i32.const 2)))
        (f32.store (local.get $score) (f32.demote_f64
          (f64.add (f64.promote_f32 (f32.load (local.get $score))) (f64x2.extract_lane 0 (local.get $products)))))
        (local.set $score (i32.shl (i32.load16_u offset=6 (local.get $document)) (i32.const 2)))
        (f32.store (local.get $score) (f32.demote_f64
          (f64.add (f64.promote_f32 (f32.load (local.get $score))) (f64x2.extract_lane 1 (local.get $products)))))
        (local.set $document (i32.add (local.get $document) (i32.const 8)))
        (local.set $weight (i32.add (local.get $weight) (i32.const 16)))
        (br $next)))
    ;; The last three at most.
    (local.set $end (i32.add (local.get $end) (i32.shl (i32.and (local.get $count) (i32.const 3)) (i32.const 1))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $document) (local.get $end)))
        (local.set $score (i32.shl (i32.load16_u (local.get $document)) (i32.const 2)))
        (f32.store (local.get $score) (f32.demote_f64
          (f64.add
            (f64.promote_f32 (f32.load (local.get $score)))
            (f64.mul (f64.promote_f32 (f32.load (local.get $weight))) (f64.promote_f32 (local.get $query))))))
        (local.set $document (i32.add (local.get $document) (i32.const 2)))
        (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
        (br $next))))

  ;; First multiple of 16, from `from` on and below `to`, of which one of the 16 scores has at least the bits `least`; `to` or
  ;; above if there is none. `from` is a multiple of 16.
  (func (export "find") (param $from i32) (param $to i32) (param $least i32) (result i32)
    (local $address i32) (local $bound v128)
    (local.set $bound (i32x4.splat (local.get $least)))
    (local.set $address (i32.shl (local.get $from) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $from) (local.get $to)))
        (br_if $done (v128.any_true
          (v128.or
            (v128.or
              (i32x4.ge_s (v128.load (local.get $address)) (local.get $bound))
              (i32x4.ge_s (v128.load offset=16 (local.get $address)) (local.get $bound)))
            (v128.or
              (i32x4.ge_s (v128.load offset=32 (local.get $address)) (local.get $bound))
              (i32x4.ge_s (v128.load offset=48 (local.get $address)) (local.get $bound))))))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $address (i32.add (local.get $address) (i32.const 64)))
        (br $next)))
    (local.get $from)))
