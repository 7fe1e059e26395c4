;; The scan over the scores of a search, with SIMD. Scores are float32 numbers from address 0 on.
;; score-scan.ts holds the bytes that this compiles to; score-scan.test.ts compares them.
(module
  (import "host" "memory" (memory 1))

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
