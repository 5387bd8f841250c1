;; The inner loops of reading pages, for kernel.ts, which holds this module assembled:
;;   npx --package wabt wat2wasm --enable-bulk-memory src/parquet/kernel/kernel.wat
;; One rule: nothing is read or written outside the areas that the arguments name, but for up to 16 spare bytes after them.
(module
  (memory (export "memory") 1)
  ;; Unpacks [at, end) to [to, outEnd); 1 when every byte fits, else 0. Both areas are followed by 16 spare bytes.
  (func (export "unpack") (param $at i32) (param $end i32) (param $to i32) (param $outEnd i32) (result i32)
    (local $start i32) (local $tag i32) (local $length i32) (local $offset i32) (local $from i32) (local $stop i32)
    (local.set $start (local.get $to))
    (block $bad
      (loop $next
        (if (i32.ge_u (local.get $at) (local.get $end))
          (then (return (i32.eq (local.get $to) (local.get $outEnd)))))
        (local.set $tag (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.eqz (i32.and (local.get $tag) (i32.const 3)))
          (then
            (local.set $length (i32.add (i32.shr_u (local.get $tag) (i32.const 2)) (i32.const 1)))
            (if (i32.gt_u (local.get $length) (i32.const 60))
              (then
                (local.set $offset (i32.sub (local.get $length) (i32.const 60)))
                (br_if $bad (i32.gt_u (local.get $offset) (i32.sub (local.get $end) (local.get $at))))
                ;; 1 to 4 bytes, little-endian
                (local.set $length (i32.add (i32.const 1) (i32.and (i32.load (local.get $at))
                  (i32.shr_u (i32.const -1) (i32.sub (i32.const 32) (i32.shl (local.get $offset) (i32.const 3)))))))
                (br_if $bad (i32.eqz (local.get $length)))
                (local.set $at (i32.add (local.get $at) (local.get $offset)))))
            (br_if $bad (i32.gt_u (local.get $length) (i32.sub (local.get $end) (local.get $at))))
            (br_if $bad (i32.gt_u (local.get $length) (i32.sub (local.get $outEnd) (local.get $to))))
            (if (i32.le_u (local.get $length) (i32.const 16))
              (then
                (i64.store (local.get $to) (i64.load (local.get $at)))
                (i64.store offset=8 (local.get $to) (i64.load offset=8 (local.get $at))))
              (else (memory.copy (local.get $to) (local.get $at) (local.get $length))))
            (local.set $at (i32.add (local.get $at) (local.get $length)))
            (local.set $to (i32.add (local.get $to) (local.get $length)))
            (br $next)))
        (if (i32.eq (i32.and (local.get $tag) (i32.const 3)) (i32.const 1))
          (then
            (br_if $bad (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $length (i32.add (i32.and (i32.shr_u (local.get $tag) (i32.const 2)) (i32.const 7)) (i32.const 4)))
            (local.set $offset (i32.or (i32.shl (i32.shr_u (local.get $tag) (i32.const 5)) (i32.const 8)) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1))))
          (else
            (local.set $length (i32.add (i32.shr_u (local.get $tag) (i32.const 2)) (i32.const 1)))
            (if (i32.eq (i32.and (local.get $tag) (i32.const 3)) (i32.const 2))
              (then
                (br_if $bad (i32.gt_u (i32.const 2) (i32.sub (local.get $end) (local.get $at))))
                (local.set $offset (i32.load16_u (local.get $at)))
                (local.set $at (i32.add (local.get $at) (i32.const 2))))
              (else
                (br_if $bad (i32.gt_u (i32.const 4) (i32.sub (local.get $end) (local.get $at))))
                (local.set $offset (i32.load (local.get $at)))
                (local.set $at (i32.add (local.get $at) (i32.const 4)))))))
        (br_if $bad (i32.eqz (local.get $offset)))
        (br_if $bad (i32.gt_u (local.get $offset) (i32.sub (local.get $to) (local.get $start))))
        (br_if $bad (i32.gt_u (local.get $length) (i32.sub (local.get $outEnd) (local.get $to))))
        (local.set $from (i32.sub (local.get $to) (local.get $offset)))
        (local.set $stop (i32.add (local.get $to) (local.get $length)))
        (if (i32.ge_u (local.get $offset) (i32.const 8))
          (then
            (loop $words
              (i64.store (local.get $to) (i64.load (local.get $from)))
              (local.set $to (i32.add (local.get $to) (i32.const 8)))
              (local.set $from (i32.add (local.get $from) (i32.const 8)))
              (br_if $words (i32.lt_u (local.get $to) (local.get $stop)))))
          (else
            (loop $bytes
              (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
              (local.set $to (i32.add (local.get $to) (i32.const 1)))
              (local.set $from (i32.add (local.get $from) (i32.const 1)))
              (br_if $bytes (i32.lt_u (local.get $to) (local.get $stop))))))
        (local.set $to (local.get $stop))
        (br $next)))
    (i32.const 0))

  ;; Finds the values of a PLAIN page of byte arrays in [at, end): places and lengths of `count` of them, places counted
  ;; from `base`. The place after the last value, or 0 where they lead out of the page.
  (func (export "texts") (param $at i32) (param $end i32) (param $base i32) (param $count i32) (param $starts i32) (param $lengths i32) (result i32)
    (local $length i32) (local $stop i32)
    (local.set $stop (i32.add (local.get $starts) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $starts) (local.get $stop)))
        (if (i32.gt_u (i32.const 4) (i32.sub (local.get $end) (local.get $at))) (then (return (i32.const 0))))
        (local.set $length (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (if (i32.gt_u (local.get $length) (i32.sub (local.get $end) (local.get $at))) (then (return (i32.const 0))))
        (i32.store (local.get $starts) (i32.sub (local.get $at) (local.get $base)))
        (i32.store (local.get $lengths) (local.get $length))
        (local.set $at (i32.add (local.get $at) (local.get $length)))
        (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
        (local.set $lengths (i32.add (local.get $lengths) (i32.const 4)))
        (br $next)))
    (local.get $at))

  ;; MurmurHash3 (x86, 32 bits, seed 0) of `count` texts at `base` + place, whose last bytes count as one step even where
  ;; there are none: what hashBytes of the log gives.
  (func (export "hashes") (param $base i32) (param $count i32) (param $starts i32) (param $lengths i32) (param $out i32)
    (local $stop i32) (local $at i32) (local $end i32) (local $hash i32) (local $k i32) (local $length i32)
    (local.set $stop (i32.add (local.get $starts) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $starts) (local.get $stop)))
        (local.set $at (i32.add (local.get $base) (i32.load (local.get $starts))))
        (local.set $length (i32.load (local.get $lengths)))
        (local.set $end (i32.add (local.get $at) (local.get $length)))
        (local.set $hash (i32.const 0))
        (block $tail
          (loop $words
            (br_if $tail (i32.gt_u (i32.const 4) (i32.sub (local.get $end) (local.get $at))))
            (local.set $k (i32.load (local.get $at)))
            (local.set $hash (i32.add (i32.mul (i32.rotl (i32.xor (local.get $hash)
              (i32.mul (i32.rotl (i32.mul (local.get $k) (i32.const 0xcc9e2d51)) (i32.const 15)) (i32.const 0x1b873593)))
              (i32.const 13)) (i32.const 5)) (i32.const 0xe6546b64)))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (br $words)))
        ;; the 0 to 3 bytes left
        (local.set $k (i32.const 0))
        (if (i32.lt_u (local.get $at) (local.get $end))
          (then (local.set $k (i32.and (i32.load (local.get $at))
            (i32.shr_u (i32.const -1) (i32.sub (i32.const 32) (i32.shl (i32.sub (local.get $end) (local.get $at)) (i32.const 3))))))))
        (local.set $hash (i32.add (i32.mul (i32.rotl (i32.xor (local.get $hash)
          (i32.mul (i32.rotl (i32.mul (local.get $k) (i32.const 0xcc9e2d51)) (i32.const 15)) (i32.const 0x1b873593)))
          (i32.const 13)) (i32.const 5)) (i32.const 0xe6546b64)))
        (local.set $hash (i32.xor (local.get $hash) (local.get $length)))
        (local.set $hash (i32.mul (i32.xor (local.get $hash) (i32.shr_u (local.get $hash) (i32.const 16))) (i32.const 0x85ebca6b)))
        (local.set $hash (i32.mul (i32.xor (local.get $hash) (i32.shr_u (local.get $hash) (i32.const 13))) (i32.const 0xc2b2ae35)))
        (i32.store (local.get $out) (i32.xor (local.get $hash) (i32.shr_u (local.get $hash) (i32.const 16))))
        (local.set $starts (i32.add (local.get $starts) (i32.const 4)))
        (local.set $lengths (i32.add (local.get $lengths) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (br $next)))))
