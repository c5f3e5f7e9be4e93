"""Questions to a ClickHouse server, over the same lake.

dialect    what ClickHouse says differently in SQL
tables     the lake's tables, as the server reads them
refusals   what went wrong there, in words
database   who asks it: bounded in time, stopped where nobody waits
"""
