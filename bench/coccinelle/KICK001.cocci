// The nearest to KICK001 that one function shows: EXITING_GUEST_MODE is written
// plainly, and no branch on kvm_request_pending() leads to it.
virtual report

@write@
expression v;
position p;
@@
(
 v->mode = EXITING_GUEST_MODE;@p
|
 WRITE_ONCE(v->mode, EXITING_GUEST_MODE);@p
|
 smp_store_release(&v->mode, EXITING_GUEST_MODE);@p
)

@guarded@
expression e;
position write.p;
statement S;
@@
 if (<+... kvm_request_pending(e) ...+>) { <+... S@p ...+> }

@script:python depends on report && !guarded@
p << write.p;
@@
print(f"{p[0].file}:{p[0].line}: KICK001: EXITING_GUEST_MODE without a test for requests")
