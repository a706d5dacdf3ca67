import sys, cProfile, pstats; sys.argv=["x","none"]; sys.path[:0]=["/work/main"]
exec(open("/tmp/fmt/real.py").read().split("for f in sys.argv")[0])
import auditkit.formats.pdf
p=cProfile.Profile(); p.enable(); build("pdf",a,T(),datetime(2026,11,22,17,0,tzinfo=UTC)); p.disable()
pstats.Stats(p).sort_stats("cumulative").print_stats(70)
